//! Pure decisions and state: no async, no database.

pub mod catalog;
pub mod framework;
pub mod matching;
pub mod project;
pub mod project_name;
pub mod score;
pub mod score_log;
pub mod score_watch;
pub mod simulation;
