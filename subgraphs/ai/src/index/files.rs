//! The index on disk: opening it, replacing what it holds of a document, starting anew.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};
use studio_entities::ai::document;
use studio_kernel::{Id, TenantId, kind};
use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term,
    directory::MmapDirectory,
};

use super::fields::{self, Fields};
use crate::domain::passages;

/// Memory for passages that are not on disk yet; tantivy wants at least 15 MB.
const WRITER_MEMORY: usize = 20_000_000;

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    /// The index is damaged, or the disk refuses.
    #[error("the full-text index in {} failed: {source}", path.display())]
    Index {
        /// Where it lies.
        path: PathBuf,
        /// What tantivy says.
        source: TantivyError,
    },
    /// The directory cannot be made or emptied.
    #[error("the directory {} of the full-text index: {source}", path.display())]
    Directory {
        /// Where it lies.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The work was broken off by a panic.
    #[error("work on the full-text index was broken off: {0}")]
    Broken(tokio::task::JoinError),
}

/// What the index was built from, kept with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BuiltFrom {
    /// The last position of the log that it holds.
    pub(crate) position: i64,
    /// The hash of the event there, hexadecimal: another log has another.
    pub(crate) hash: String,
    /// Documents whose text could not be read for now: tried again.
    pub(crate) pending: Vec<(TenantId, Id<kind::Document>)>,
}

/// What the index is to hold of a document from now on.
#[derive(Debug)]
pub(crate) struct Change {
    /// The document's newest version.
    pub(crate) newest: document::Model,
    /// `None` where it has no text: then nothing of the document stays.
    pub(crate) text: Option<String>,
}

/// The index of all organizations.
pub(crate) struct SearchIndex {
    path: PathBuf,
    opened: RwLock<Opened>,
}

struct Opened {
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    fields: Fields,
    built_from: BuiltFrom,
}

impl SearchIndex {
    /// Opens the index in the directory. One that does not open, or that another version of
    /// Studio built, is replaced by an empty one.
    pub(crate) fn open(path: PathBuf) -> Result<Self, IndexError> {
        let opened = match Opened::open(&path) {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(%error, "the full-text index is built again");
                Opened::empty(&path)?
            }
        };
        Ok(Self { path, opened: RwLock::new(opened) })
    }

    /// Throws everything away.
    pub(crate) fn reset(&self) -> Result<(), IndexError> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        // The lock of the old writer must go before the new one takes it; what cannot be stopped
        // properly is about to be deleted.
        let in_memory = Opened::in_memory().map_err(|source| self.failed(source))?;
        drop(std::mem::replace(&mut *opened, in_memory));
        *opened = Opened::empty(&self.path)?;
        Ok(())
    }

    /// What the index was built from.
    pub(crate) fn built_from(&self) -> BuiltFrom {
        self.opened.read().unwrap_or_else(PoisonError::into_inner).built_from.clone()
    }

    /// Replaces what is held of some documents, durably and together with `built_from`. Blocks.
    pub(crate) fn replace(
        &self,
        changes: &[Change],
        built_from: BuiltFrom,
    ) -> Result<(), IndexError> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        opened.replace(changes, &built_from).map_err(|source| self.failed(source))?;
        opened.built_from = built_from;
        Ok(())
    }

    /// Runs a search on the state of this moment. Blocks.
    pub(super) fn searching<T>(
        &self,
        search: impl FnOnce(&Searcher, &Fields) -> tantivy::Result<T>,
    ) -> Result<T, IndexError> {
        let (searcher, fields) = {
            let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
            (opened.reader.searcher(), opened.fields)
        };
        search(&searcher, &fields).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: TantivyError) -> IndexError {
        IndexError::Index { path: self.path.clone(), source }
    }
}

impl Opened {
    fn open(path: &Path) -> Result<Self, IndexError> {
        let directory = |source| IndexError::Directory { path: path.to_owned(), source };
        let failed = |source| IndexError::Index { path: path.to_owned(), source };
        make_private(path).map_err(directory)?;
        let files = MmapDirectory::open(path).map_err(|error| failed(error.into()))?;
        let index = Index::open_or_create(files, fields::schema().0).map_err(failed)?;
        Self::of(index).map_err(failed)
    }

    fn empty(path: &Path) -> Result<Self, IndexError> {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(IndexError::Directory { path: path.to_owned(), source: error });
            }
            _ => {}
        }
        Self::open(path)
    }

    fn in_memory() -> tantivy::Result<Self> {
        Self::of(Index::create_in_ram(fields::schema().0))
    }

    fn of(index: Index) -> tantivy::Result<Self> {
        fields::register(&index);
        let payload = index.load_metas()?.payload;
        let built_from = match payload {
            Some(payload) => serde_json::from_str(&payload)
                .map_err(|error| TantivyError::InvalidArgument(error.to_string()))?,
            None => BuiltFrom::default(),
        };
        let writer = index.writer_with_num_threads(1, WRITER_MEMORY)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let (_, fields) = fields::schema();
        Ok(Self { reader, writer: Mutex::new(writer), fields, built_from })
    }

    fn replace(&self, changes: &[Change], built_from: &BuiltFrom) -> tantivy::Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            let key = format!("{}/{}", change.newest.tenant, change.newest.document);
            writer.delete_term(Term::from_field_text(self.fields.key, &key));
            for passage in self.passages(change, &key) {
                writer.add_document(passage)?;
            }
        }
        let mut commit = writer.prepare_commit()?;
        let payload = serde_json::to_string(built_from)
            .map_err(|error| TantivyError::InvalidArgument(error.to_string()))?;
        commit.set_payload(&payload);
        commit.commit()?;
        self.reader.reload()
    }

    fn passages(&self, change: &Change, key: &str) -> impl Iterator<Item = TantivyDocument> {
        let (fields, newest) = (self.fields, &change.newest);
        let text = change.text.as_deref().unwrap_or_default();
        passages(text).into_iter().map(move |passage| {
            let mut document = TantivyDocument::new();
            document.add_text(fields.tenant, &newest.tenant);
            if let Some(project) = &newest.project {
                document.add_text(fields.project, project);
            }
            for place in [Some(&newest.tenant), newest.project.as_ref()].into_iter().flatten() {
                document.add_text(fields.reach, fields::reach(place, &newest.data_class, None));
                if let Some(owner) = &newest.owner {
                    let own = fields::reach(place, &newest.data_class, Some(owner));
                    document.add_text(fields.reach, own);
                }
            }
            document.add_text(fields.key, key);
            document.add_text(fields.document, &newest.document);
            document.add_text(fields.version, &newest.version);
            document.add_u64(fields.number, newest.number.unsigned_abs());
            document.add_text(fields.sha256, &newest.sha256);
            document.add_text(fields.name, &newest.name);
            document.add_u64(fields.start_line, u64::from(passage.start_line));
            document.add_u64(fields.end_line, u64::from(passage.end_line));
            document.add_u64(fields.offset, passage.start as u64);
            document.add_text(fields.text, &text[passage.start..passage.end]);
            document
        })
    }
}

/// Makes the directory for its owner alone: it holds words of documents.
fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
