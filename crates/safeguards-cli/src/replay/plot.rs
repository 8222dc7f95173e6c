//! The plot for a terminal: a [`Curve`] in braille dots, drawn with whole numbers.

use std::fmt::Write as _;

use safeguards_types::{Amount, Quantity, Timestamp};

use super::curve::Curve;
use crate::text::to_the_second;

const WIDTH: usize = 72;
const HEIGHT: usize = 12;
/// A character of braille holds two dots beside each other, and four above each other.
const DOTS: (usize, usize) = (2, 4);

/// Dots on a grid; the origin is at the lower left.
struct Canvas {
    rows: [[u8; WIDTH]; HEIGHT],
}

impl Canvas {
    const WIDTH: usize = WIDTH * DOTS.0;
    const HEIGHT: usize = HEIGHT * DOTS.1;

    fn dot(&mut self, x: usize, y: usize) {
        /// The bit of each dot, from the top down, left column and right.
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let from_top = (Self::HEIGHT - 1).saturating_sub(y);
        let bit = BITS[from_top % DOTS.1][x % DOTS.0];
        if let Some(row) = self.rows.get_mut(from_top / DOTS.1)
            && let Some(character) = row.get_mut(x / DOTS.0)
        {
            *character |= bit;
        }
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        let braille = |bits: &u8| char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' ');
        self.rows.iter().map(move |row| {
            let line: String = row.iter().map(braille).collect();
            line.trim_end_matches('\u{2800}').to_owned()
        })
    }
}

/// Draws the curve: what was granted as a line, what was asked as dots, the limit as dashes.
pub(crate) fn draw(curve: &Curve) -> String {
    let (top, limit) = curve.bounds();
    let height = |value: Quantity| scale(value.steps(), top.steps(), Canvas::HEIGHT);
    let mut canvas = Canvas { rows: [[0; WIDTH]; HEIGHT] };
    let limit_y = limit.map(height);
    if let Some(y) = limit_y {
        (0..Canvas::WIDTH).filter(|x| x % 8 < 4).for_each(|x| canvas.dot(x, y));
    }
    let mut points = curve.points.iter().peekable();
    let (mut granted, mut asked, mut before) = (0, 0, 0);
    for x in 0..Canvas::WIDTH {
        while let Some(point) = points.next_if(|point| column(curve, point.at) <= x) {
            (granted, asked) = (height(point.granted), height(point.asked));
        }
        if x % 3 == 0 && curve.has_denied() {
            canvas.dot(x, asked);
        }
        (before.min(granted)..=before.max(granted)).for_each(|y| canvas.dot(x, y));
        before = granted;
    }
    let label = |value: Quantity| Amount::new(value, curve.unit.clone()).to_string();
    let limit_row = limit_y.map(|y| (Canvas::HEIGHT - 1).saturating_sub(y) / DOTS.1);
    let labels: Vec<String> = (0..HEIGHT)
        .map(|row| match limit {
            Some(limit) if limit_row == Some(row) => label(limit),
            _ if row == 0 => label(top),
            _ if row + 1 == HEIGHT => label(Quantity::ZERO),
            _ => String::new(),
        })
        .collect();
    let gutter = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let mut drawn = format!("{}{}\n", curve.title(), legend(curve, limit.is_some()));
    for (label, line) in labels.iter().zip(canvas.lines()) {
        drawn.push_str(format!("{label:>gutter$} \u{2502}{line}").trim_end());
        drawn.push('\n');
    }
    let (first, last) = (to_the_second(curve.first), to_the_second(curve.last));
    let between = WIDTH.saturating_sub(first.len());
    // Writing to a string does not fail.
    let _ = writeln!(drawn, "{:gutter$} \u{2514}{}", "", "\u{2500}".repeat(WIDTH));
    let _ = writeln!(drawn, "{:gutter$}  {first}{last:>between$}", "");
    drawn
}

fn legend(curve: &Curve, has_limit: bool) -> String {
    let parts = [
        (curve.has_denied(), "line: granted, dots: asked"),
        (has_limit, "dashes: limit"),
        (!has_limit && curve.limit.is_some(), "the limit is far above"),
    ];
    let said: Vec<&str> =
        parts.into_iter().filter(|(is_so, _)| *is_so).map(|(_, part)| part).collect();
    if said.is_empty() {
        return String::new();
    }
    format!(" ({})", said.join(", "))
}

fn column(curve: &Curve, at: Timestamp) -> usize {
    let nanos = |from: Timestamp, to: Timestamp| i128::from(to.as_nanos() - from.as_nanos());
    scale(nanos(curve.first, at), nanos(curve.first, curve.last), Canvas::WIDTH)
}

/// Which of `dots` stands for `value`, where the last stands for `top`.
fn scale(value: i128, top: i128, dots: usize) -> usize {
    let last = i128::try_from(dots).unwrap_or(1) - 1;
    let dot = value.saturating_mul(last).checked_div(top).unwrap_or(0);
    usize::try_from(dot.clamp(0, last)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use safeguards_budget::Limit;
    use safeguards_types::Unit;

    use super::*;
    use crate::replay::curve::Point;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000).unwrap()
    }

    fn curve(limit: &str, points: &[(i64, &str, &str)]) -> Curve {
        let quantity = |text: &str| text.parse().unwrap();
        Curve {
            limit: Some(Limit::lifetime(Amount::new(quantity(limit), Unit::USD))),
            unit: Unit::USD,
            is_sum: true,
            first: at(0),
            last: at(100),
            points: points
                .iter()
                .map(|(seconds, granted, asked)| Point {
                    at: at(*seconds),
                    granted: quantity(granted),
                    asked: quantity(asked),
                })
                .collect(),
        }
    }

    #[test]
    fn the_curve_runs_from_lower_left_to_upper_right() {
        let drawn = draw(&curve("10", &[(0, "0", "0"), (50, "4", "4"), (100, "8", "8")]));
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), 1 + HEIGHT + 2);
        assert!(lines[0].contains("USD spent so far, of 10.00 USD (dashes: limit)"), "{drawn}");
        assert!(lines[1].starts_with("10.00 USD \u{2502}\u{2809}\u{2809}"), "{drawn}");
        assert!(lines[HEIGHT].starts_with(" 0.00 USD \u{2502}\u{28c0}"), "{drawn}");
        assert!(lines[HEIGHT + 2].ends_with("1970-01-01 00:01:40"), "{drawn}");
    }

    #[test]
    fn nothing_and_one_instant_can_be_drawn() {
        let mut flat = curve("10", &[(0, "0", "0")]);
        flat.last = flat.first;
        assert!(draw(&flat).contains("far above"));
        let most = curve("10000000000000000", &[(0, "10000000000000000", "10000000000000000")]);
        assert!(draw(&most).contains("10000000000000000.00 USD"));
    }
}
