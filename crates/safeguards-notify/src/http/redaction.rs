//! [`Redaction`]: keeps secrets out of texts that servers and libraries wrote.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Shorter than this, a piece is no secret worth the name, and would be found in every text.
const PIECE_BYTES_MIN: usize = 4;
/// What stands in a secret's place.
pub(super) const HIDDEN: &str = "[hidden]";

/// Pieces of text that must not be shown.
#[derive(Default)]
pub(crate) struct Redaction {
    pieces: Vec<SecretString>,
}

impl Redaction {
    /// Hides the path and the query of `url`, as a whole and in parts, as they are and decoded.
    pub(crate) fn add_url(&mut self, url: &Url) {
        self.add_piece(url.as_str());
        self.add(url.path().trim_matches('/'));
        for part in url.path_segments().into_iter().flatten() {
            self.add(&percent_decode_str(part).decode_utf8_lossy());
        }
        if let Some(query) = url.query() {
            self.add(query);
        }
        for pair in url.query().unwrap_or_default().split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.add(key);
            self.add(value);
        }
        // A key may be the secret: `?KEY` is one without a value.
        for (key, value) in url.query_pairs() {
            self.add(&key);
            self.add(&value);
        }
        if let Some(fragment) = url.fragment() {
            self.add(fragment);
        }
    }

    /// Hides a header's value, and the name and password that stand in it as Base64.
    pub(crate) fn add_header(&mut self, value: &str) {
        self.add(value);
        let Some((scheme, encoded)) = value.trim().split_once(' ') else {
            return;
        };
        if scheme.eq_ignore_ascii_case("basic")
            && let Ok(bytes) = STANDARD.decode(encoded.trim())
        {
            let decoded = String::from_utf8_lossy(&bytes);
            self.add(&decoded);
            if let Some((name, password)) = decoded.split_once(':') {
                self.add(name);
                self.add(password);
            }
        }
    }

    /// Hides `secret`, and each part of it that stands between spaces or slashes.
    pub(crate) fn add(&mut self, secret: &str) {
        self.add_piece(secret);
        for part in secret.split(|mark: char| mark.is_whitespace() || mark == '/') {
            self.add_piece(part);
        }
    }

    fn add_piece(&mut self, piece: &str) {
        let piece = piece.to_ascii_lowercase();
        let is_known = || self.pieces.iter().any(|known| known.expose_secret() == piece);
        if piece.len() >= PIECE_BYTES_MIN && !is_known() {
            self.pieces.push(piece.into());
            // A secret that holds another is to go as a whole.
            self.pieces.sort_by_key(|piece| std::cmp::Reverse(piece.expose_secret().len()));
        }
    }

    /// The bytes of the longest: as many at the end of a text that was cut may be a part of one.
    pub(crate) fn longest(&self) -> usize {
        self.pieces.first().map_or(0, |piece| piece.expose_secret().len())
    }

    /// `text` without what must not be shown, be it in large letters or small.
    pub(crate) fn apply(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for piece in &self.pieces {
            let piece = piece.expose_secret();
            // Byte for byte as long as the text itself.
            let small = shown.to_ascii_lowercase();
            if !small.contains(piece) {
                continue;
            }
            let mut rest = String::with_capacity(shown.len());
            let mut from = 0_usize;
            for (at, found) in small.match_indices(piece) {
                rest.push_str(shown.get(from..at).unwrap_or_default());
                rest.push_str(HIDDEN);
                from = at.saturating_add(found.len());
            }
            rest.push_str(shown.get(from..).unwrap_or_default());
            shown = rest;
        }
        shown
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Redaction").field("pieces", &self.pieces.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut redaction = Redaction::default();
        let url = "https://chat.example/services/T0001/b%2Fc%20d+e?key=abc+def&to=s3cr%2Bet%3Dvalue&bare%21key&x=1#piece";
        redaction.add_url(&Url::parse(url).unwrap());
        redaction.add("Bearer opensesame");
        redaction.add_header("Basic b3BzYXQ6aHVudGVyMjIgaHVudGVy"); // opsat:hunter22 hunter
        assert_eq!(redaction.apply(text), expected);
        assert!(!format!("{redaction:?}").contains("T0001"));
    }

    #[test]
    fn no_piece_of_a_secret_is_shown() {
        check("no such service: chat.example", "no such service: chat.example");
        check(
            "https://chat.example/services/T0001/b%2Fc%20d+e?key=abc+def&to=s3cr%2Bet%3Dvalue&bare%21key&x=1#piece",
            HIDDEN,
        );
        check("Cannot POST /services/T0001/b%2Fc%20d+e!", "Cannot POST /[hidden]!");
        check("t0001 of SERVICES", "[hidden] of [hidden]");
        check("b/c d+e", HIDDEN);
        check("key is abc def", "key is [hidden]");
        check("key is abc+def", "key is [hidden]");
        check("no s3cr+et=value, s3cr%2Bet%3Dvalue", "no [hidden], [hidden]");
        check("no bare!key, bare%21key", "no [hidden], [hidden]");
        check("opsat may not, with hunter22 hunter", "[hidden] may not, with [hidden]");
        check("opsat:hunter22", HIDDEN);
        check("b3BzYXQ6aHVudGVyMjIgaHVudGVy", HIDDEN);
        check("opensesame, bearer OpenSesame", "[hidden], [hidden]");
        check("ü T0001 ü", "ü [hidden] ü");
    }
}
