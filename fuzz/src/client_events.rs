//! Streams of events as the Rust client reads them: where a stream is cut makes no difference, and
//! what comes out is never longer than what came in, but for bytes that are no UTF-8, which become
//! three. The first two bytes say where it is cut.

pub fn check(bytes: &[u8]) {
    let Some((cuts, stream)) = bytes.split_first_chunk::<2>() else { return };
    let mut cuts = cuts.map(|cut| usize::from(cut).min(stream.len()));
    cuts.sort_unstable();
    let whole = studio_sdk::server_sent_events(&[stream]).expect("it is shorter than the limit");
    let parts = [&stream[..cuts[0]], &stream[cuts[0]..cuts[1]], &stream[cuts[1]..]];
    assert_eq!(studio_sdk::server_sent_events(&parts).as_ref(), Ok(&whole));
    let length: usize = whole.iter().map(|(name, data)| name.len() + data.len()).sum();
    assert!(length <= 3 * stream.len());
    assert!(whole.iter().all(|(name, _)| !name.is_empty()));
}
