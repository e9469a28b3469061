use super::{names::is_taken, url::escaped};
use crate::{backend::postgres::Server, schema::Schema};

/// A name that is taken means itself without quotes; and a server that is told to keep to the schema is told so by the
/// last of its options, whatever others the URL has. The first line is the name, the rest are the other options.
pub fn schema(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let (name, options) = text.split_once('\n').unwrap_or((text, ""));
    let schema = match Schema::parse(name) {
        Ok(schema) => schema,
        Err(error) => {
            assert!(error.to_string().chars().count() < 2_000);
            assert!(!is_taken("schema", Err(error)));
            return;
        }
    };
    assert_eq!(schema.as_str(), name);
    assert!((1..=63).contains(&name.len()));
    assert!(
        name.bytes()
            .all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    );
    assert!(!name.starts_with(|first: char| first.is_ascii_digit()));
    let options = escaped(options.as_bytes());
    let server = Server::read(&format!("postgres://host/tasks?options={options}"));
    if let Ok(server) = server.and_then(|server| server.within(&schema)) {
        let told = split(server.config.get_options().unwrap());
        let last = ["-c".to_owned(), format!("search_path={name}")];
        assert!(told.ends_with(&last), "{told:?}");
    }
}

/// The words of options, as Postgres has it: a backslash takes what follows as it is, be it a space.
fn split(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = options.chars().peekable();
    loop {
        while rest
            .next_if(|it| it.is_ascii_whitespace() || *it == '\x0b')
            .is_some()
        {}
        if rest.peek().is_none() {
            return words;
        }
        let mut word = String::new();
        while let Some(next) = rest.next_if(|it| !(it.is_ascii_whitespace() || *it == '\x0b')) {
            word.extend(if next == '\\' {
                rest.next()
            } else {
                Some(next)
            });
        }
        words.push(word);
    }
}
