#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| taskbox_dal::fuzzing::text_enum(input));
