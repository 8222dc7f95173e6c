//! The manual in the reference: links between its pages, which Markdown writes from file to file, lead from module to
//! module there.

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
};

use crate::failure::{Failure, Result};

/// Where the manual's modules are declared.
pub(super) const MODULES: &str = "crates/safeguards/src/manual.rs";
/// Folders of pages that are modules of the manual.
const FOLDERS: [&str; 5] = ["concepts", "decisions", "guides", "internals", "reference"];
/// Pages that crates show by themselves, too.
const SHOWN_TOO: [(&str, &str); 4] = [
    ("docs/concepts/ledger.md", "safeguards_budget/concepts"),
    ("docs/concepts/runs.md", "safeguards_coord/concepts"),
    ("docs/guides/events.md", "safeguards_notify/guides/events"),
    ("docs/guides/webhooks.md", "safeguards_notify/guides/webhooks"),
];

/// The module of a page, under `manual`: `["guides", "shared_state"]` of `docs/guides/shared-state.md`, and none of the
/// index of all.
pub(super) fn module(page: &Path) -> Option<Vec<String>> {
    let parts: Vec<_> = page.iter().filter_map(|part| part.to_str()).collect();
    match parts.as_slice() {
        ["docs", "README.md"] => Some(Vec::new()),
        ["docs", folder, file] if FOLDERS.contains(folder) => {
            let mut path = vec![(*folder).to_owned()];
            let stem = file.strip_suffix(".md")?;
            if stem != "README" {
                let name = stem.replace('-', "_");
                // No name begins with a digit; decisions do.
                let digit = name.starts_with(|c: char| c.is_ascii_digit());
                path.push(if digit { format!("d{name}") } else { name });
            }
            Some(path)
        }
        _ => None,
    }
}

/// The pages that no module shows. `modules` is the source of the manual.
pub(super) fn complaints(files: &BTreeMap<PathBuf, String>) -> Vec<String> {
    // However it is broken into lines.
    let modules = files.get(Path::new(MODULES)).map_or("", String::as_str);
    let modules = modules.split_whitespace().collect::<String>().replace(",)", ")");
    let pages = files.keys().filter_map(|path| Some((path, module(path)?)));
    let missing = pages.filter_map(|(path, module)| {
        let file = path.strip_prefix("docs").ok()?.display();
        let line = match module.as_slice() {
            [_, name] => format!("page!({name}, \"{file}\");"),
            [_] => format!("include_str!(\"../docs/{file}\")"),
            // The index of all is not shown: the manual's first page is.
            _ => return None,
        };
        (!modules.contains(&line.replace(' ', ""))).then(|| format!("{MODULES}: has no `{line}`"))
    });
    missing.collect()
}

/// Lets the links of every page of the manual, as rustdoc wrote them below `built`, lead to where the pages are there;
/// what leads to other files of the repository becomes text. Then looks whether each link of these pages leads anywhere.
pub(super) fn mend(built: &Path, files: &BTreeMap<PathBuf, String>) -> Result<()> {
    let manual = files.keys().filter_map(|page| Some((page.clone(), shown(&module(page)?))));
    let too = SHOWN_TOO.map(|(page, folder)| (page.into(), Path::new(folder).join("index.html")));
    let mut complaints = Vec::new();
    for (page, place) in manual.chain(too) {
        let path = built.join(&place);
        // The source of the manual says what is there; the first page has no text of its own.
        let html = fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
        let mended = mended(&html, &page, &place);
        fs::write(&path, &mended).map_err(|error| Failure::file(&path, error))?;
        for link in hrefs(&mended) {
            if let Some(complaint) = dead(built, &place, link) {
                complaints.push(format!("{}: link `{link}` {complaint}", path.display()));
            }
        }
    }
    Failure::unless_empty(&complaints)
}

/// Where rustdoc puts a module of the manual.
fn shown(module: &[String]) -> PathBuf {
    let mut place = PathBuf::from("safeguards/manual");
    place.extend(module);
    place.join("index.html")
}

/// The page of rustdoc with links from file to file turned into links from module to module.
fn mended(html: &str, page: &Path, place: &Path) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find("<a ") {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let Some(end) = rest.find('>') else { break };
        let (tag, after) = rest.split_at(end + 1);
        rest = after;
        let link = href(tag).filter(|link| is_file(link));
        let target = link.and_then(|link| {
            let (file, anchor) =
                link.split_once('#').map_or((link, ""), |(file, anchor)| (file, anchor));
            let folder = page.parent().unwrap_or(page);
            Some((link, resolve(folder, file)?, anchor))
        });
        match target.map(|(link, file, anchor)| (link, module(&file), anchor)) {
            None => text.push_str(tag),
            Some((link, Some(module), anchor)) => {
                let mut there = relative(place, &shown(&module));
                if !anchor.is_empty() {
                    there = format!("{there}#{anchor}");
                }
                text.push_str(&tag.replace(&format!("\"{link}\""), &format!("\"{there}\"")));
            }
            Some((_, None, _)) => {
                let (inside, after) = rest.split_once("</a>").unwrap_or((rest, ""));
                text.push_str(inside);
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

/// Whether a link is one that a page of `docs/` wrote to a file of the repository: rustdoc's own lead to HTML.
fn is_file(link: &str) -> bool {
    let file = link.split('#').next().unwrap_or(link);
    let is_html = Path::new(file).extension().is_some_and(|extension| extension == "html");
    !(is_html || file.is_empty() || file.contains("://") || file.starts_with("mailto:"))
}

fn href(tag: &str) -> Option<&str> {
    tag.split_once("href=\"")?.1.split('"').next()
}

/// What the links of a page lead to.
fn hrefs(html: &str) -> impl Iterator<Item = &str> {
    html.split("<a ").skip(1).filter_map(|rest| href(rest.split('>').next()?))
}

/// What is wrong with a link of the page at `place`.
fn dead(built: &Path, place: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") || link == "#" {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let folder = place.parent().unwrap_or(place);
    let target = if file.is_empty() { Some(place.to_owned()) } else { resolve(folder, file) };
    let Some(target) = target else { return Some("leads out of the reference".to_owned()) };
    let Ok(html) = fs::read_to_string(built.join(&target)) else {
        return Some(format!("leads to {}, which is not there", target.display()));
    };
    // Lines of sources are numbered by a script.
    let known = anchor.is_empty()
        || target.starts_with("src")
        || html.contains(&format!("id=\"{anchor}\""));
    (!known).then(|| format!("leads to no `{anchor}` of {}", target.display()))
}

/// The path that a link means in this folder; `None` if it leaves the root.
fn resolve(folder: &Path, link: &str) -> Option<PathBuf> {
    let mut target = folder.to_owned();
    for part in Path::new(link).components() {
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

/// The link from one file to another.
fn relative(from: &Path, to: &Path) -> String {
    let folder: Vec<_> = from.parent().unwrap_or(from).iter().collect();
    let target: Vec<_> = to.iter().collect();
    let shared = folder.iter().zip(&target).take_while(|(one, other)| one == other).count();
    let up = folder[shared..].iter().map(|_| "..".to_owned());
    let down = target[shared..].iter().map(|part| part.to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(link: &str, expected: &str) {
        let page = Path::new("docs/guides/shared-state.md");
        let place = shown(&module(page).unwrap());
        let html = format!("<p>a <a class=\"b\" href=\"{link}\">text</a> c</p>");
        let mended = mended(&html, page, &place);
        assert_eq!(mended, format!("<p>a {expected} c</p>"), "{link}");
        assert_eq!(super::mended(&mended, page, &place), mended, "twice");
    }

    fn linked(there: &str) -> String {
        format!("<a class=\"b\" href=\"{there}\">text</a>")
    }

    #[test]
    fn links_lead_from_module_to_module() {
        check("teams.md", &linked("../teams/index.html"));
        check("teams.md#a-step", &linked("../teams/index.html#a-step"));
        check("../reference/README.md", &linked("../../reference/index.html"));
        check("../README.md", &linked("../../index.html"));
        check(
            "../decisions/0004-entries-are-facts.md",
            &linked("../../decisions/d0004_entries_are_facts/index.html"),
        );
    }

    #[test]
    fn what_rustdoc_wrote_stays() {
        for link in ["#here", "../index.html", "struct.A.html#method.b", "https://a.org/b.md", "#"]
        {
            check(link, &linked(link));
        }
    }

    #[test]
    fn other_files_of_the_repository_become_text() {
        check("../../ARCHITECTURE.md", "text");
        check("../../examples/guide", "text");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_told() {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        // Any files will do: this folder has them, and this one says `id="here"`.
        let place = Path::new("docs/book.rs");
        let check = |link: &str, expected: Option<&str>| {
            assert_eq!(dead(&built, place, link).as_deref(), expected, "{link}");
        };
        check("links.rs", None);
        check("../main.rs", None);
        check("#here", None);
        check("https://a.org/b.html", None);
        check("gone.html", Some("leads to docs/gone.html, which is not there"));
        check("../../../a.html", Some("leads out of the reference"));
        check("links.rs#there", Some("leads to no `there` of docs/links.rs"));
    }

    #[test]
    fn every_page_has_a_module() {
        let files = [
            (
                MODULES,
                "page!(a_b, \"guides/a-b.md\");\ninclude_str!(\"../docs/reference/README.md\")",
            ),
            ("docs/README.md", ""),
            ("docs/guides/a-b.md", ""),
            ("docs/guides/c.md", ""),
            ("docs/reference/README.md", ""),
        ];
        let files = files.map(|(path, text)| (PathBuf::from(path), text.to_owned())).into();
        assert_eq!(
            complaints(&files),
            ["crates/safeguards/src/manual.rs: has no `page!(c, \"guides/c.md\");`"]
        );
    }
}
