//! What a panic leaves behind in a server: one line of its log, with the place in the code and
//! nothing else. The message may quote what a client sent; whoever catches the panic logs what finds
//! it again, as the router does with the hash of a query that its planner cannot take.

use std::panic::{self, PanicHookInfo};

/// Sends panics to the log instead of standard error.
pub(crate) fn to_the_log() {
    panic::set_hook(Box::new(report));
}

fn report(panic: &PanicHookInfo<'_>) {
    let (file, line) = panic.location().map_or(("?", 0), |place| (place.file(), place.line()));
    tracing::error!(file, line, "something panicked that should not: a fault of Studio's");
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_log_tells_the_place_and_not_the_message() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let before = panic::take_hook();
        let caught = tracing::subscriber::with_default(subscriber, || {
            to_the_log();
            panic::catch_unwind(|| panic!("{}", "a client's words"))
        });
        panic::set_hook(before);
        assert!(caught.is_err());
        let told = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(told.contains("src/panics.rs") && told.contains("panicked"), "{told}");
        assert!(!told.contains("client"), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}
