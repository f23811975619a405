#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| studio_fuzz::json_evidence::check(bytes));
