//! Streams of events from subgraphs, by SSE and by WebSocket: where the stream is cut makes no
//! difference, and what comes out is never longer than what came in. The first two bytes say where
//! it is cut.

use studio_router::parsers;

pub fn check(bytes: &[u8]) {
    let Some((cuts, stream)) = bytes.split_first_chunk::<2>() else { return };
    let mut cuts = cuts.map(|cut| usize::from(cut).min(stream.len()));
    cuts.sort_unstable();
    let whole = parsers::server_sent_events(&[stream]);
    let parts = [&stream[..cuts[0]], &stream[cuts[0]..cuts[1]], &stream[cuts[1]..]];
    assert_eq!(parsers::server_sent_events(&parts), whole);
    let length: usize = whole.iter().map(|(_, data)| data.len()).sum();
    assert!(length <= stream.len());
    if let Ok(text) = std::str::from_utf8(stream) {
        let _ = parsers::subgraph_message(text);
    }
}
