//! What is checked in is what the code says. `make schema` writes it anew.

use std::{path::Path, process::Command};

#[test]
fn the_schema_is_what_the_code_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_studio-schema"))
        .args(["check".as_ref(), folder.as_os_str()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\nrun `make schema` where that is meant");
}
