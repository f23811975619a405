//! What an installation keeps of the bytes that were uploaded to it.

use std::path::{Path, PathBuf};

use studio_kernel::Env;
use studio_stores::{
    AwsAccess,
    blobs::{Blobs, S3Blobs, S3Options},
};

use super::{
    Installation,
    shape::{Stores, required},
};

impl Installation {
    /// The names of everything with content that it keeps for a subgraph, spools included, in the
    /// folders of its processes and in its bucket.
    pub(crate) async fn kept(&self, subgraph: &str) -> Vec<String> {
        let mut found = Vec::new();
        let processes = std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        for folder in processes.chain([self.path().to_owned()]) {
            for place in ["blobs", "spool"] {
                walk(&folder.join(place).join(subgraph), &mut found);
            }
        }
        let mut found: Vec<String> = found.iter().map(|file| file.display().to_string()).collect();
        if let Some(bucket) = self.bucket(subgraph).await {
            let blobs = bucket.list(None, 100).await.unwrap();
            found.extend(blobs.iter().map(|blob| format!("{} in the bucket", blob.hash)));
        }
        found
    }

    /// The bucket of a subgraph, where its blobs lie in one.
    async fn bucket(&self, subgraph: &str) -> Option<S3Blobs> {
        let name = self.stores.as_ref().map(Stores::name)?;
        let endpoint = std::env::var("STUDIO_TEST_S3_ENDPOINT").ok()?;
        let spool = self.path().join("looking");
        let options = S3Options {
            access: AwsAccess {
                endpoint: Some(endpoint),
                access_key: Some(required("STUDIO_TEST_S3_ACCESS_KEY")),
                secret_key: Some(required("STUDIO_TEST_S3_SECRET_KEY").into()),
                ..AwsAccess::default()
            },
            prefix: format!("{name}/{subgraph}"),
            path_style: true,
            env: Env::system(),
            ..S3Options::new(required("STUDIO_TEST_S3_BUCKET"), spool)
        };
        Some(S3Blobs::connect(options).await.unwrap())
    }
}

/// The files with content in a folder, where there is one.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.map(|entry| entry.unwrap()) {
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), found);
        } else if entry.metadata().unwrap().len() > 0 {
            found.push(entry.path());
        }
    }
}
