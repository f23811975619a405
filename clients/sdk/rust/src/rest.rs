//! Uploads over REST: scans and documents, streamed from where they are.

use std::path::Path;

use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio_util::io::ReaderStream;

use crate::{client::Client, error::Error};

/// Bytes of a file that are read and sent at a time.
const CHUNK: usize = 256 * 1024;

/// What is uploaded.
pub enum Upload<'a> {
    /// Bytes in memory.
    Bytes(Vec<u8>),
    /// A file, streamed.
    File(&'a Path),
}

/// The answer to an ingested scan. `run` is the IngestRun as the server describes it
/// (`/v1/openapi.json`).
#[derive(Debug, Clone)]
pub struct IngestAnswer {
    /// Whether this call made the run; `false` where the same bytes were ingested before.
    pub created: bool,
    /// The IngestRun.
    pub run: Value,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
}

impl Client {
    /// Ingests a Prowler scan (OCSF JSON, packed with gzip or not) into a project.
    pub async fn ingest_prowler(
        &self,
        project: &str,
        scan: Upload<'_>,
    ) -> Result<IngestAnswer, Error> {
        let (status, run) = self
            .post("/v1/ingest/prowler", &[("project", project)], "application/json", scan)
            .await?;
        Ok(IngestAnswer { created: status == 201, run })
    }

    /// Hands JSON in under a name, for the rules of a project's tests to look at. `collected_at` (RFC 3339)
    /// says since when it is true, if not since now.
    pub async fn hand_in(
        &self,
        project: &str,
        name: &str,
        collected_at: Option<&str>,
        evidence: Upload<'_>,
    ) -> Result<IngestAnswer, Error> {
        let mut query = vec![("project", project)];
        query.extend(collected_at.map(|at| ("collectedAt", at)));
        let path = format!("/v1/ingest/json/{name}");
        let (status, run) = self.post(&path, &query, "application/json", evidence).await?;
        Ok(IngestAnswer { created: status == 201, run })
    }

    /// Uploads a document into a project and answers what the server says of it.
    pub async fn upload_document(
        &self,
        project: &str,
        name: &str,
        media_type: &str,
        content: Upload<'_>,
    ) -> Result<Value, Error> {
        let query = [("project", project), ("name", name)];
        self.post("/v1/documents", &query, media_type, content).await.map(|(_, document)| document)
    }

    /// Reads a REST resource, for example `/v1/ingest/runs/run_…`.
    pub async fn get(&self, path: &str) -> Result<Value, Error> {
        let request = self.http.get(format!("{}{path}", self.url())).headers(self.headers());
        let response = request.send().await.map_err(|source| self.unreachable(source))?;
        self.read(response).await.map(|(_, value)| value)
    }

    async fn post<D: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        media_type: &str,
        content: Upload<'_>,
    ) -> Result<(u16, D), Error> {
        let (body, length) = match content {
            Upload::Bytes(bytes) => (reqwest::Body::from(bytes), None),
            Upload::File(path) => file(path)
                .await
                .map_err(|source| Error::File { path: path.display().to_string(), source })?,
        };
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.url()))
            .map_err(|_| Error::Address(self.url().to_owned()))?;
        url.query_pairs_mut().extend_pairs(query);
        let mut request =
            self.http.post(url).headers(self.headers()).header(CONTENT_TYPE, media_type).body(body);
        if let Some(length) = length {
            request = request.header(CONTENT_LENGTH, length);
        }
        let response = request.send().await.map_err(|source| self.unreachable(source))?;
        self.read(response).await
    }

    async fn read<D: DeserializeOwned>(
        &self,
        response: reqwest::Response,
    ) -> Result<(u16, D), Error> {
        self.hear(&response);
        let status = response.status();
        let bytes = response.bytes().await.map_err(|source| self.unreachable(source))?;
        let answer = |error: serde_json::Error| Error::Answer(error.to_string());
        if status.is_success() {
            return Ok((status.as_u16(), serde_json::from_slice(&bytes).map_err(answer)?));
        }
        let problem: Problem = serde_json::from_slice(&bytes).map_err(answer)?;
        Err(Error::Refused { status: status.as_u16(), code: problem.code, detail: problem.detail })
    }
}

/// A file as a body, and its length where it is known before it is read: a server can then refuse
/// one that is too long by its length alone.
async fn file(path: &Path) -> std::io::Result<(reqwest::Body, Option<u64>)> {
    let file = tokio::fs::File::open(path).await?;
    let about = file.metadata().await?;
    let body = reqwest::Body::wrap_stream(ReaderStream::with_capacity(file, CHUNK));
    Ok((body, about.is_file().then_some(about.len())))
}
