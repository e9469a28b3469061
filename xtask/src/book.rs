//! `docs/` as a book, which mdBook builds.

use anyhow::{Context, Result, bail};

use crate::command::{messages, on_path, program, root};
use crate::links;

pub(crate) fn build() -> Result<()> {
    links::check(root())?;
    on_path("mdbook").context(
        "mdbook not found: install it with `cargo install mdbook --locked --no-default-features`",
    )?;
    let mut mdbook = program("mdbook");
    // What it warns of must not be hidden.
    for filter in ["MDBOOK_LOG", "RUST_LOG"] {
        mdbook.env_remove(filter);
    }
    let said = messages(mdbook.args(["build", "docs"]))?;
    if has_warning(&said) {
        bail!("the book is built, but not without warnings:\n{said}");
    }
    println!("the book begins at target/book/index.html");
    Ok(())
}

fn has_warning(said: &str) -> bool {
    said.lines()
        .any(|line| line.contains("WARN") || line.contains("ERROR"))
}

#[cfg(test)]
mod tests {
    use super::has_warning;

    #[test]
    fn a_warning_is_told_from_what_else_is_said() {
        assert!(has_warning(
            " INFO Running the html backend\n WARN unclosed HTML tag `<b>` found in `cli.md`\n"
        ));
        assert!(!has_warning(" INFO Book building has started\n"));
    }
}
