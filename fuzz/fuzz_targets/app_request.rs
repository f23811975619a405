#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| studio_fuzz::app_request::check(bytes));
