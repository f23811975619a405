//! The authorities that are trusted with another server's certificate, where they are not the system's.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context, ensure};
use studio_router::transport::Authorities;

/// Bytes of a file with certificates; all authorities that a system trusts take a quarter of them.
const LARGEST: usize = 1 << 20;

/// What the file with the authorities says.
#[derive(Debug)]
pub(crate) struct Ca {
    pem: Vec<u8>,
    pub(crate) authorities: Authorities,
}

impl PartialEq for Ca {
    fn eq(&self, other: &Self) -> bool {
        self.pem == other.pem
    }
}

impl Ca {
    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let shown = file.display();
        let mut pem = Vec::new();
        File::open(file)
            .and_then(|open| open.take(LARGEST as u64 + 1).read_to_end(&mut pem))
            .with_context(|| format!("its ca {shown} cannot be read"))?;
        ensure!(
            pem.len() <= LARGEST,
            "its ca {shown} has more than {LARGEST} bytes: name a file with the certificate of the \
             authority alone"
        );
        let authorities =
            Authorities::from_pem(&pem).with_context(|| format!("its ca {shown} is of no use"))?;
        Ok(Self { pem, authorities })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::told::told;

    #[test]
    fn a_file_that_names_no_authority_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ours.pem");
        let refused = || {
            let said = told(&Ca::read(&file).unwrap_err());
            assert!(said.contains(file.to_str().unwrap()), "{said}");
            said
        };
        assert!(refused().contains("cannot be read: No such file"));
        std::fs::create_dir(&file).unwrap();
        assert!(refused().contains("cannot be read"));
        std::fs::remove_dir(&file).unwrap();
        std::fs::write(&file, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
            .unwrap();
        assert!(refused().contains("no certificate in it: it must be PEM"));
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            .unwrap();
        assert!(refused().contains("certificate number 1 cannot be read"));
        std::fs::write(&file, vec![b'\n'; LARGEST + 1]).unwrap();
        assert!(refused().contains("has more than 1048576 bytes"));
    }
}
