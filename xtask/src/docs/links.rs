//! Relative links in the Markdown pages: the file is there, and the heading in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// What matters of a page.
#[derive(Debug, Default)]
struct Page {
    /// What its headings are reached by.
    anchors: BTreeSet<String>,
    /// Where its links lead, with the line each stands in.
    links: Vec<(usize, String)>,
}

/// The links that lead nowhere. Paths are relative to the root.
pub(super) fn complaints(root: &Path, files: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let pages: BTreeMap<_, _> =
        files.iter().map(|(path, text)| (path.clone(), parse(text))).collect();
    let mut complaints = Vec::new();
    for (path, page) in &pages {
        for (line, link) in &page.links {
            if let Some(complaint) = complaint(root, &pages, path, link) {
                complaints.push(format!("{}:{line}: link `{link}` {complaint}", path.display()));
            }
        }
    }
    complaints
}

fn complaint(
    root: &Path,
    pages: &BTreeMap<PathBuf, Page>,
    from: &Path,
    link: &str,
) -> Option<String> {
    // What leads to the network cannot be checked here; `::` is a path that rustdoc resolves.
    if link.contains("://") || link.starts_with("mailto:") || link.contains("::") {
        return None;
    }
    let (file, anchor) =
        link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() { Some(from.to_owned()) } else { resolve(from, file) };
    let Some(target) = target else {
        return Some("leads out of the repository".to_owned());
    };
    if !root.join(&target).exists() && !pages.contains_key(&target) {
        return Some(format!("leads to {}, which is not there", target.display()));
    }
    let (page, anchor) = (pages.get(&target)?, anchor?);
    (!page.anchors.contains(anchor)).then(|| {
        let known: Vec<_> = page.anchors.iter().map(String::as_str).collect();
        format!("leads to no heading of {}; there are {}", target.display(), known.join(", "))
    })
}

/// The path that a link means, from the root; `None` if it leaves the repository.
fn resolve(from: &Path, file: &str) -> Option<PathBuf> {
    let mut target = from.parent().map(Path::to_owned).unwrap_or_default();
    for part in Path::new(file).components() {
        match part {
            Component::Normal(name) => target.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !target.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(target)
}

fn parse(text: &str) -> Page {
    let mut page = Page::default();
    // The text of the heading that is open.
    let mut title: Option<String> = None;
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        if let Event::Start(Tag::Heading { .. }) = event {
            title = Some(String::new());
        } else if let Event::End(TagEnd::Heading(_)) = event {
            page.add_anchor(&slug(title.take().unwrap_or_default().trim()));
        } else if let Event::Text(part) | Event::Code(part) = event {
            if let Some(title) = &mut title {
                title.push_str(&part);
            }
        } else if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event
        {
            let line = 1 + text[..range.start].matches('\n').count();
            page.links.push((line, dest_url.into_string()));
        }
    }
    page
}

impl Page {
    /// A heading that is there twice is reached as `name` and `name-1`.
    fn add_anchor(&mut self, slug: &str) {
        let numbered = (1..).map(|n| format!("{slug}-{n}"));
        let free = std::iter::once(slug.to_owned())
            .chain(numbered)
            .find(|name| !self.anchors.contains(name));
        self.anchors.extend(free);
    }
}

/// The anchor of a heading, as GitHub makes it.
fn slug(title: &str) -> String {
    title
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let files = BTreeMap::from([
            (PathBuf::from("docs/a.md"), text.to_owned()),
            (PathBuf::from("README.md"), "# The `usd!` macro\n## Use\n## Use\n".to_owned()),
        ]);
        assert_eq!(complaints(Path::new("/nowhere"), &files), expected, "{text}");
    }

    #[test]
    fn a_link_leads_to_a_file_and_a_heading() {
        check("[a](../README.md) [b](../README.md#the-usd-macro)\n", &[]);
        check("[a](../README.md#use-1 \"title\")\n", &[]);
        check("# Here\n[a](#here)\n\n[b]: ../README.md\n", &[]);
        check("[a](https://example.org/b.md) [b](crate::Ledger)\n", &[]);
        check("[a](b.md)\n", &["docs/a.md:1: link `b.md` leads to docs/b.md, which is not there"]);
        check(
            "\n![a](b.svg)\n",
            &["docs/a.md:2: link `b.svg` leads to docs/b.svg, which is not there"],
        );
        check("[a](../../b.md)\n", &["docs/a.md:1: link `../../b.md` leads out of the repository"]);
        check(
            "[a](#here)\n",
            &["docs/a.md:1: link `#here` leads to no heading of docs/a.md; there are "],
        );
        check(
            "[a](../README.md#use-2)\n",
            &["docs/a.md:1: link `../README.md#use-2` leads to no heading of README.md; \
               there are the-usd-macro, use, use-1"],
        );
    }

    #[test]
    fn code_has_no_links_and_no_headings() {
        check("`[a](b.md)` ``[a](`b.md)``\n", &[]);
        check("```sh\n[a](b.md)\n```\n", &[]);
        check(
            "```\n# Here\n```\n[a](#here)\n",
            &["docs/a.md:4: link `#here` leads to no heading of docs/a.md; there are "],
        );
    }
}
