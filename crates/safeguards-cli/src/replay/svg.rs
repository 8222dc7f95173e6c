//! The plot as an SVG picture, for `--svg`. Positions are whole numbers: nanoseconds and steps of an amount.

use plotters::prelude::*;
use safeguards_types::{Amount, Quantity, Timestamp};

use super::curve::{Curve, Point};
use crate::text::to_the_second;

const SIZE: (u32, u32) = (960, 480);
const FONT: &str = "sans-serif";
const GRANTED: RGBColor = RGBColor(31, 98, 178);
const ASKED: RGBColor = RGBColor(150, 150, 150);
const LIMIT: RGBColor = RGBColor(196, 48, 43);
const GRID: RGBColor = RGBColor(228, 228, 228);
/// How many marks an axis has at most.
const MARKS_MAX: i128 = 8;

/// Draws the curve. `Err` is what the library for drawing says.
pub(crate) fn draw(curve: &Curve) -> Result<String, String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw_on(&area, curve).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

type Failure<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn draw_on<'a>(
    area: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    curve: &Curve,
) -> Result<(), Failure<'a>> {
    let (top, limit) = curve.bounds();
    let (first, last) = (curve.first.as_nanos(), curve.last.as_nanos());
    // A trace of one instant is drawn as a second, so that there is an axis.
    let last = last.max(first.saturating_add(1_000_000_000));
    let top = top.steps();
    let room = top.saturating_add(top / 20).saturating_add(1);
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(curve.title(), (FONT, 18))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(88)
        .build_cartesian_2d(
            (first..last).with_key_points(time_marks(first, last)),
            (0..room).with_key_points(marks(room)),
        )?;
    let amount = |steps: &i128| {
        let quantity = Quantity::from_steps(*steps).unwrap_or_default();
        Amount::new(quantity, curve.unit.clone()).to_string()
    };
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .label_style((FONT, 13))
        .x_desc(format!("{} to {} UTC", to_the_second(curve.first), to_the_second(curve.last)))
        .x_label_formatter(&|nanos| time_label(*nanos, last - first))
        .y_label_formatter(&amount)
        .draw()?;
    let line = |value: fn(&Point) -> Quantity| steps(curve, last, value).into_iter();
    let sample = |color: RGBColor| {
        move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], color.stroke_width(2))
    };
    if curve.has_denied() {
        chart
            .draw_series(LineSeries::new(line(|point| point.asked), ASKED.stroke_width(2)))?
            .label("asked")
            .legend(sample(ASKED));
    }
    chart
        .draw_series(LineSeries::new(line(|point| point.granted), GRANTED.stroke_width(2)))?
        .label("granted")
        .legend(sample(GRANTED));
    if let (Some(amount), Some(limit)) = (limit, &curve.limit) {
        let ends = [(first, amount.steps()), (last, amount.steps())];
        chart
            .draw_series(LineSeries::new(ends, LIMIT.stroke_width(2)))?
            .label(format!("limit {limit}"))
            .legend(sample(LIMIT));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .label_font((FONT, 13))
        .draw()
}

/// The corners of a line that holds each value until the next point.
fn steps(curve: &Curve, last: i64, value: fn(&Point) -> Quantity) -> Vec<(i64, i128)> {
    let mut corners = vec![(curve.first.as_nanos(), 0)];
    for point in &curve.points {
        let (at, height) = (point.at.as_nanos(), value(point).steps());
        let before = corners.last().map_or(0, |(_, height)| *height);
        corners.extend([(at, before), (at, height)]);
    }
    let height = corners.last().map_or(0, |(_, height)| *height);
    corners.push((last, height));
    corners
}

/// Round numbers from 0 to `top`: multiples of 1, 2 or 5 times a power of ten.
fn marks(top: i128) -> Vec<i128> {
    let mut power: i128 = 1;
    let step = loop {
        let steps = [1, 2, 5].map(|leading| power.saturating_mul(leading));
        if let Some(step) = steps.into_iter().find(|step| top / step <= MARKS_MAX) {
            break step;
        }
        power = power.saturating_mul(10);
    };
    (0..=top / step).map(|mark| mark * step).collect()
}

/// Round times from `first` to `last`, by UTC.
fn time_marks(first: i64, last: i64) -> Vec<i64> {
    const SECOND: i64 = 1_000_000_000;
    const STEPS: [i64; 16] = [
        1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800,
        2_592_000, 31_536_000,
    ];
    let marks_max = i64::try_from(MARKS_MAX).unwrap_or(1);
    let liked = STEPS.map(|seconds| seconds * SECOND);
    let fits = |step: &i64| (last - first) / step <= marks_max;
    // Past years: as many parts as there may be marks.
    let step = liked.into_iter().find(fits).unwrap_or((last - first) / marks_max + 1);
    let before = first - first % step;
    (1..=marks_max + 1)
        .map(|mark| before.saturating_add(mark.saturating_mul(step)))
        .chain([before])
        .filter(|at| (first..=last).contains(at))
        .collect()
}

/// The part of an instant that tells marks of an axis apart.
fn time_label(nanos: i64, span: i64) -> String {
    let text = to_the_second(Timestamp::from_nanos(nanos).unwrap_or_default());
    let days = span / 86_400_000_000_000;
    let part = match days {
        0 => text.get(11..),
        1..=13 => text.get(5..16),
        _ => text.get(..10),
    };
    part.unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_few() {
        assert_eq!(marks(25), [0, 5, 10, 15, 20, 25]);
        assert_eq!(marks(8), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(marks(Quantity::MAX.steps() * 2).len() <= 9);
        let hour = time_marks(1_700_158_623_979_960_000, 1_700_162_059_928_016_000);
        let labels: Vec<_> = hour.iter().map(|at| time_label(*at, 3_436_000_000_000)).collect();
        assert_eq!(labels.first().map(String::as_str), Some("18:20:00"));
        assert!(time_marks(0, i64::MAX).len() <= 10);
    }
}
