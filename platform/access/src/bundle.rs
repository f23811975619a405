//! Bundles of policies: the one that ships with Studio, and an operator's folder that stands beside
//! it or in its place. A bundle is text alone; `loaded` makes it answer.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// The bundle that ships with Studio: every file of `policies/`, under names that no file of an
/// operator's has.
const EMBEDDED: &[(&str, &str)] = &[
    ("studio:account.rego", include_str!("../policies/account.rego")),
    ("studio:classes.rego", include_str!("../policies/classes.rego")),
    ("studio:classes_test.rego", include_str!("../policies/classes_test.rego")),
    ("studio:decision.rego", include_str!("../policies/decision.rego")),
    ("studio:decision_test.rego", include_str!("../policies/decision_test.rego")),
    ("studio:directories.rego", include_str!("../policies/directories.rego")),
    ("studio:directories_test.rego", include_str!("../policies/directories_test.rego")),
    ("studio:programs.rego", include_str!("../policies/programs.rego")),
    ("studio:programs_test.rego", include_str!("../policies/programs_test.rego")),
    ("studio:projects.rego", include_str!("../policies/projects.rego")),
    ("studio:projects_test.rego", include_str!("../policies/projects_test.rego")),
    ("studio:roles.rego", include_str!("../policies/roles.rego")),
    ("studio:roles_test.rego", include_str!("../policies/roles_test.rego")),
    ("studio:step_up.rego", include_str!("../policies/step_up.rego")),
    ("studio:step_up_test.rego", include_str!("../policies/step_up_test.rego")),
    ("studio:system.rego", include_str!("../policies/system.rego")),
];

/// Files of one bundle, at most.
const MOST_FILES: usize = 256;
/// Files and folders that are looked at for them.
const MOST_ENTRIES: usize = 4096;
/// Folders within each other.
const DEEPEST: usize = 8;
/// Bytes of one Rego file.
const LONGEST: u64 = 1 << 20;
/// Bytes of all Rego files.
const LONGEST_TOGETHER: u64 = 8 << 20;
/// Bytes of `data.json`.
const LONGEST_DATA: u64 = 8 << 20;

/// The file that holds what the rules see under `data`.
const DATA: &str = "data.json";

/// The policies do not load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the access policies do not load: {file}: {message}")]
pub struct PolicyError {
    /// The file, or the rule.
    pub file: String,
    /// What is wrong, with the line where it is known.
    pub message: String,
}

impl PolicyError {
    pub(crate) fn new(file: impl Into<String>, message: impl ToString) -> Self {
        Self { file: file.into(), message: message.to_string().trim().to_owned() }
    }
}

/// How an operator's folder stands to the bundle that ships with Studio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Its rules vote beside the default ones.
    Extend,
    /// Its rules stand in the place of the default ones.
    Replace,
}

/// A Rego file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PolicyFile {
    /// Its path within the folder, with `/`.
    pub(crate) name: String,
    pub(crate) text: String,
    /// Whether it may define `data.studio.access.decision`.
    pub(crate) decides: bool,
}

impl PolicyFile {
    /// Whether it holds tests, as OPA names such files: they are no part of what decides.
    pub(crate) fn is_test(&self) -> bool {
        self.name.ends_with("_test.rego")
    }
}

/// Policies as they are read, before they are understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundle {
    /// In the order of their names.
    pub(crate) files: Vec<PolicyFile>,
    /// JSON.
    pub(crate) data: Option<String>,
}

impl Bundle {
    /// The bundle that ships with Studio.
    pub fn embedded() -> Self {
        Self::of(EMBEDDED)
    }

    /// A bundle of `(file name, Rego v1 text)` pairs.
    pub fn of(sources: &[(&str, &str)]) -> Self {
        let file = |(name, text): &(&str, &str)| PolicyFile {
            name: (*name).to_owned(),
            text: (*text).to_owned(),
            decides: true,
        };
        Self { files: sources.iter().map(file).collect(), data: None }
    }

    /// Reads a folder: every `.rego` file in it and below it, and its `data.json`. What begins with a
    /// dot is left out, other files too; symbolic links are followed, as mounted folders of
    /// containers need it.
    ///
    /// # Errors
    /// [`PolicyError`] that names the file: one that cannot be read, is no text or too large, or a
    /// folder with too many.
    pub fn read(folder: &Path, mode: Mode) -> Result<Self, PolicyError> {
        let mut found = Found::default();
        found.walk(folder, "", 0)?;
        found.files.sort();
        let mut bundle = match mode {
            Mode::Extend => Self::embedded(),
            Mode::Replace => Self::default(),
        };
        let (mut any, mut together) = (false, 0);
        for (name, path) in found.files {
            if name == DATA {
                bundle.data = Some(text(&name, &path, LONGEST_DATA)?);
                continue;
            }
            let text = text(&name, &path, LONGEST)?;
            together += text.len() as u64;
            if together > LONGEST_TOGETHER {
                let message = format!("the folder has more than {LONGEST_TOGETHER} bytes of Rego");
                return Err(PolicyError::new(name, message));
            }
            let file = PolicyFile { name, text, decides: mode == Mode::Replace };
            any |= !file.is_test();
            bundle.files.push(file);
        }
        if !any {
            let message = "there is no .rego file in it (those that end in _test.rego hold tests)";
            return Err(PolicyError::new(folder.display().to_string(), message));
        }
        Ok(bundle)
    }

    /// How many files decide, tests left out.
    pub fn len(&self) -> usize {
        self.files.iter().filter(|file| !file.is_test()).count()
    }

    /// Whether nothing decides.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Every path that a change of the folder's content shows at: its files, and the folders themselves.
/// Where something cannot be looked at, what was found.
pub fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut found = Found::default();
    // Reading the folder tells what is wrong.
    let _partly = found.walk(folder, "", 0);
    let files = found.files.into_iter().map(|(_, path)| path);
    found.folders.into_iter().chain(files).collect()
}

#[derive(Default)]
struct Found {
    files: Vec<(String, PathBuf)>,
    folders: Vec<PathBuf>,
    entries: usize,
}

impl Found {
    fn walk(&mut self, folder: &Path, within: &str, depth: usize) -> Result<(), PolicyError> {
        let here = || match within {
            "" => folder.display().to_string(),
            within => within.to_owned(),
        };
        if depth > DEEPEST {
            let message = format!("folders are within each other more than {DEEPEST} deep");
            return Err(PolicyError::new(here(), message));
        }
        self.folders.push(folder.to_owned());
        let unreadable = |error| PolicyError::new(here(), format!("it cannot be read: {error}"));
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                let message = format!("there are more than {MOST_ENTRIES} files and folders");
                return Err(PolicyError::new(here(), message));
            }
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
            let path = entry.path();
            let full = if within.is_empty() { name.to_owned() } else { format!("{within}/{name}") };
            let kind = fs::metadata(&path).map_err(|error| {
                PolicyError::new(full.clone(), format!("it cannot be looked at: {error}"))
            })?;
            if kind.is_dir() {
                self.walk(&path, &full, depth + 1)?;
                continue;
            }
            if name == DATA && !within.is_empty() {
                let message =
                    "data is read from the folder itself alone: put it into its data.json";
                return Err(PolicyError::new(full, message));
            }
            if name != DATA && !name.ends_with(".rego") {
                continue;
            }
            self.files.push((full, path));
            if self.files.len() > MOST_FILES {
                let message = format!("the folder has more than {MOST_FILES} files");
                return Err(PolicyError::new(here(), message));
            }
        }
        Ok(())
    }
}

fn text(name: &str, path: &Path, longest: u64) -> Result<String, PolicyError> {
    let unreadable = |error| PolicyError::new(name, format!("it cannot be read: {error}"));
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    file.take(longest + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > longest {
        return Err(PolicyError::new(name, format!("it has more than {longest} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| PolicyError::new(name, "it is no text in UTF-8"))
}
