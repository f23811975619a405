//! What lies in the keyring's folder and in events: records, names, sealed values and master keys
//! of any content are read or refused, what is read is written as the same, and nothing opens that
//! the key did not seal.

use std::sync::LazyLock;

use studio_kernel::Env;
use studio_stores::keyring::{KeyName, KeyRecord, LocalMaster, MasterKey as _, Sealed};

static MASTER: LazyLock<LocalMaster> =
    LazyLock::new(|| LocalMaster::from_bytes(&[7; 32], Env::system()).expect("32 bytes"));

/// What is said of something that is no key.
static SENTENCE: LazyLock<String> = LazyLock::new(|| {
    let refused = LocalMaster::from_base64("?", "the test's key", Env::system());
    refused.expect_err("one character is no key").to_string()
});

pub fn check(bytes: &[u8]) {
    if let Ok(record) = serde_json::from_slice::<KeyRecord>(bytes) {
        let written = serde_json::to_vec(&record).expect("a record can be written");
        let again: KeyRecord = serde_json::from_slice(&written).expect("and read again");
        assert_eq!(again, record);
    }
    if let Ok(sealed) = serde_json::from_slice::<Sealed>(bytes) {
        let written = serde_json::to_vec(&sealed).expect("a sealed value can be written");
        let again: Sealed = serde_json::from_slice(&written).expect("and read again");
        assert_eq!(again, sealed);
    }
    let opened = at_once(MASTER.unwrap(b"fuzz", bytes));
    assert!(opened.is_err(), "nobody sealed this");
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(name) = text.parse::<KeyName>() {
        assert_eq!(name.to_string(), text);
        assert!(!text.contains(['/', '\\']), "a name is the name of a file, too");
    }
    if let Err(error) = LocalMaster::from_base64(text, "the test's key", Env::system()) {
        // Whoever mistypes a key must not find it in a log. (What every such sentence says is no key.)
        let text = text.trim();
        let told = error.to_string();
        assert!(text.len() < 24 || !told.contains(text) || SENTENCE.contains(text), "{told}");
    }
}

/// The local master never waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(answer) => answer,
        std::task::Poll::Pending => panic!("the local master waited"),
    }
}
