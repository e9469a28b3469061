//! Where the links of the pages lead: to files that are there, and to headings that they have.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Links out of the book begin so, since mdBook takes what is not in `docs` for missing pages.
const FILE: &str = "https://github.com/taskbox/taskbox/blob/main/";

/// Checks every page of the repository at `root`.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut pages = Vec::new();
    collect(root, &mut pages)?;
    let mut problems = Vec::new();
    for page in &pages {
        let text = read(page)?;
        for target in targets(&text) {
            if let Some(problem) = problem(root, page, target)? {
                let page = page.strip_prefix(root).unwrap_or(page).display();
                problems.push(format!("{page}: {target}: {problem}"));
            }
        }
    }
    problems.extend(unlisted(root, &pages)?);
    if !problems.is_empty() {
        bail!("links that lead nowhere:\n{}", problems.join("\n"));
    }
    Ok(())
}

/// The pages below `folder`, without what is built or hidden.
fn collect(folder: &Path, pages: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder);
    for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            collect(&path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages.sort_unstable();
    Ok(())
}

/// Why the link leads nowhere; `None` if it leads somewhere, or out of the repository.
fn problem(root: &Path, page: &Path, target: &str) -> Result<Option<&'static str>> {
    let book = root.join("docs");
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = match path.strip_prefix(FILE) {
        Some(path) => root.join(path),
        None if path.contains("://") => return Ok(None),
        None if path.is_empty() => page.to_owned(),
        None => normal(&page.with_file_name(path)),
    };
    if !file.exists() {
        let documents_a_crate = page.ends_with("README.md") && !page.starts_with(&book);
        return Ok((!(documents_a_crate && is_item(target))).then_some("there is no such file"));
    }
    if page.starts_with(&book) && !path.contains("://") && !file.starts_with(&book) {
        return Ok(Some("is not in the book: give its address on the host"));
    }
    if !anchor.is_empty() && !anchors(&read(&file)?).any(|found| found == anchor) {
        return Ok(Some("the page has no such heading"));
    }
    Ok(None)
}

/// Pages of the book that its table of contents does not have, which mdBook leaves out without a word.
fn unlisted(root: &Path, pages: &[PathBuf]) -> Result<Vec<String>> {
    let book = root.join("docs");
    let contents = book.join("SUMMARY.md");
    let text = read(&contents)?;
    let listed: Vec<_> = targets(&text).map(|target| book.join(target)).collect();
    let of_the_book = pages.iter().filter(|page| page.starts_with(&book));
    let missing = of_the_book.filter(|page| **page != contents && !listed.contains(page));
    let name = |page: &PathBuf| {
        page.strip_prefix(root)
            .unwrap_or(page)
            .display()
            .to_string()
    };
    Ok(missing
        .map(|page| format!("docs/SUMMARY.md: does not list {}", name(page)))
        .collect())
}

/// What `[text](target)` and `[name]: target` name, outside of code.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    prose(text).flat_map(|line| {
        let definition = line.starts_with('[').then(|| line.split_once("]: "));
        let definition = definition.flatten().map(|(_, target)| target.trim());
        let links = line.split("](").skip(1);
        links
            .filter_map(|rest| Some(rest.split_once(')')?.0))
            .chain(definition)
    })
}

/// The anchors of the headings, as hosts and mdBook make them.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let mut seen = HashMap::new();
    let headings = prose(text).filter_map(|line| line.strip_prefix('#'));
    headings.map(move |heading| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        let anchor = kept.collect::<String>().replace(' ', "-");
        let count = seen.entry(anchor.clone()).or_insert(0_usize);
        *count += 1;
        match *count {
            1 => anchor,
            more => format!("{anchor}-{}", more - 1),
        }
    })
}

/// The lines that are not within a block of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

/// Whether rustdoc looks it up as an item, and says so itself if there is none.
fn is_item(target: &str) -> bool {
    target
        .chars()
        .all(|c| c.is_alphanumeric() || "_:".contains(c))
}

/// The path without `..`, of which the file system knows nothing if the folder is missing.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

fn read(page: &Path) -> Result<String> {
    fs::read_to_string(page).with_context(|| format!("cannot read {}", page.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a repository of two pages in its book, of which the second says this.
    fn wrong_with(page: &str) -> String {
        let root = tempfile::tempdir().unwrap();
        let book = root.path().join("docs");
        fs::create_dir(&book).unwrap();
        fs::write(root.path().join("README.md"), "# Taskbox\n").unwrap();
        fs::write(book.join("SUMMARY.md"), "[a](a.md)\n[b](b.md)\n").unwrap();
        fs::write(book.join("a.md"), "# A's `page`\n## Twice\n## Twice\n").unwrap();
        fs::write(book.join("b.md"), page).unwrap();
        match check(root.path()) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn links_to_files_and_headings_that_are_there_are_good() {
        let page =
            "# B\n[a](a.md#as-page), [2](a.md#twice-1), [here](#b), [out](https://example.org/x#y)
[readme](https://github.com/taskbox/taskbox/blob/main/README.md#taskbox)\n```text\n[a](b)\n```\n";
        assert_eq!(wrong_with(page), "");
    }

    #[test]
    fn links_that_lead_nowhere_are_named() {
        for target in [
            "c.md",
            "a.md#no",
            "#no",
            "../README.md",
            "https://github.com/taskbox/taskbox/blob/main/LICENSE",
        ] {
            let expected = format!("docs/b.md: {target}: ");
            assert!(wrong_with(&format!("[x]({target})")).contains(&expected));
            assert!(wrong_with(&format!("[x]: {target}")).contains(&expected));
        }
    }

    #[test]
    fn a_page_that_the_book_does_not_list_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("docs")).unwrap();
        for page in ["SUMMARY.md", "a.md"] {
            fs::write(root.path().join("docs").join(page), "").unwrap();
        }
        let error = check(root.path()).unwrap_err().to_string();
        assert!(error.contains("does not list docs/a.md"), "{error}");
    }
}
