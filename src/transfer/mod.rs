//! `studio export` and `import` carry a whole installation from one kind of stores to another;
//! `studio backup` and `restore` take a copy of one that goes on running, and bring it back.
//!
//! Holds always: an archive is written under another name and gets its own when it is whole; its
//! logs are of one moment ([`studio_events::transfer::cut`]); nothing is written into a target
//! before the archive was checked to the last byte; a target in which something is, is refused; a
//! target that is half filled opens for nobody, and is filled further by the same command.

mod archive;
mod blobs;
mod check;
mod consumers;
mod kept;
mod keys;
mod logs;
mod manifest;
mod place;
mod read;
mod signature;
mod write;

pub(crate) use kept::Kept;
pub(crate) use read::{import, restore};
pub(crate) use write::{backup, export};

/// Says how far a long job has come, on standard error, so that what is printed stays the result.
fn progress(what: std::fmt::Arguments<'_>) {
    eprintln!("{what} …");
}
