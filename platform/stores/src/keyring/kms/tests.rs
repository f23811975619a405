//! Against a stand-in for a key management service, which encrypts for real.

use std::sync::Arc;

use studio_kernel::Env;

use super::*;
use crate::keyring::{DirectoryKeyStore, Keyring};

fn options() -> Option<KmsOptions> {
    let Ok(endpoint) = std::env::var("STUDIO_TEST_KMS_STAND_IN") else {
        println!(
            "skipped: there is no stand-in for a key management service (run it through: tests/services with kms_stand_in -- …)"
        );
        return None;
    };
    let access = AwsAccess {
        endpoint: Some(endpoint),
        access_key: Some("key".to_owned()),
        secret_key: Some("hunter2hunter2".to_owned().into()),
        attempts: 2,
        ..AwsAccess::default()
    };
    Some(KmsOptions { access, key: String::new(), section: "keyring.kms" })
}

async fn new_key(options: &KmsOptions) -> String {
    let client = Client::new(&options.access.load().await.unwrap());
    let created = client.create_key().send().await.unwrap();
    created.key_metadata().unwrap().key_id().to_owned()
}

#[tokio::test]
async fn a_stand_in_wraps_and_unwraps() {
    let Some(mut options) = options() else { return };
    options.key = new_key(&options).await;
    let master = KmsMaster::connect(options.clone()).await.unwrap();
    let wrapped = master.wrap(b"studio key v1 a", &[7; 32]).await.unwrap();
    assert!(!wrapped.windows(32).any(|window| window == [7; 32]));
    assert_eq!(master.unwrap(b"studio key v1 a", &wrapped).await.unwrap().as_slice(), [7; 32]);
    let other = master.unwrap(b"studio key v1 b", &wrapped).await;
    assert!(matches!(other, Err(KeyringError::Crypto)), "{other:?}");
    options.key = new_key(&options).await;
    let another = KmsMaster::connect(options).await.unwrap();
    assert_ne!(another.id(), master.id());
}

#[tokio::test]
async fn a_keyring_opens_again_and_rotates_to_another_key_of_the_stand_in() {
    let Some(mut options) = options() else { return };
    let directory = tempfile::tempdir().unwrap();
    let env = Env::system();
    let store = Arc::new(DirectoryKeyStore::open(directory.path().join("keys")).unwrap());
    options.key = new_key(&options).await;
    let first: Arc<dyn MasterKey> = Arc::new(KmsMaster::connect(options.clone()).await.unwrap());
    let open = async |master: &Arc<dyn MasterKey>| {
        Keyring::open(master.clone(), Vec::new(), store.clone(), env.clone()).await
    };
    let (tenant, person) = (env.id(), env.id());
    let sealed = open(&first).await.unwrap().seal_person(tenant, person, b"Ada").await.unwrap();
    let again = open(&first).await.unwrap();
    assert_eq!(again.open_person(tenant, &sealed).await.unwrap().unwrap().as_slice(), b"Ada");
    options.key = new_key(&options).await;
    let second: Arc<dyn MasterKey> = Arc::new(KmsMaster::connect(options).await.unwrap());
    again.rotate_master(second.clone()).await.unwrap();
    let after = open(&second).await.unwrap();
    assert_eq!(after.open_person(tenant, &sealed).await.unwrap().unwrap().as_slice(), b"Ada");
    let stale = open(&first).await;
    assert!(matches!(stale, Err(KeyringError::OtherMaster { .. })), "{stale:?}");
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_setting() {
    let options = KmsOptions {
        access: AwsAccess {
            endpoint: Some("http://127.0.0.1:1".to_owned()),
            access_key: Some("key".to_owned()),
            secret_key: Some("hunter2hunter2".to_owned().into()),
            attempts: 1,
            ..AwsAccess::default()
        },
        key: "alias/studio".to_owned(),
        section: "keyring.kms",
    };
    assert!(!format!("{options:?}").contains("hunter2"));
    let error = KmsMaster::connect(options).await.unwrap_err();
    assert!(matches!(error, KeyringError::Away(_)), "{error:?}");
    let error = error.to_string();
    assert!(
        error.contains("http://127.0.0.1:1") && error.contains("keyring.kms.endpoint"),
        "{error}"
    );
    let Some(mut options) = self::options() else { return };
    options.key = "alias/nothing".to_owned();
    let error = KmsMaster::connect(options).await.unwrap_err();
    assert!(matches!(error, KeyringError::Master(_)), "{error:?}");
    let error = error.to_string();
    assert!(error.contains("keyring.kms.key"), "{error}");
}
