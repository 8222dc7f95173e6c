//! The bars of a report as an SVG picture, for `--svg`. Positions are whole numbers: bars, and steps of an amount.

use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};
use safeguards_types::{Quantity, Unit};

use super::gather::{Gathered, Net, Row};
use crate::text::cut;

const WIDTH: u32 = 960;
/// How high a bar is with the room around it, and all else.
const BAR: u32 = 24;
const AROUND: u32 = 112;
/// How many bars there are at most: those of the largest amounts, and one of all others.
const BARS_MAX: usize = 40;
/// How many letters a name has at most.
const NAME_MAX: usize = 28;
const FONT: &str = "sans-serif";
const SPENT: RGBColor = RGBColor(31, 98, 178);
const GRID: RGBColor = RGBColor(228, 228, 228);

/// Draws a bar for each row of a unit. `Err` is what the library for drawing says.
pub(super) fn draw(gathered: &Gathered, unit: Option<&Unit>) -> Result<String, String> {
    let first = gathered.totals.first().map(|row| &row.unit);
    let has_money = gathered.totals.iter().any(|row| row.unit == Unit::USD);
    let unit = unit.or(if has_money { Some(&Unit::USD) } else { first }).unwrap_or(&Unit::USD);
    let bars = bars(&gathered.rows, unit);
    let count = u32::try_from(bars.len().max(1)).unwrap_or(u32::MAX);
    let size = (WIDTH, BAR.saturating_mul(count).saturating_add(AROUND));
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw_on(&area, &bars, unit).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

/// The rows of a unit, in their order; where there are many, those of the largest amounts, and the sum of all others.
fn bars(rows: &[Row], unit: &Unit) -> Vec<(String, Net)> {
    let of_unit = rows.iter().filter(|row| row.unit == *unit);
    let name = |row: &Row| {
        let keys = row.keys.iter().map(|key| key.as_deref().unwrap_or("-"));
        cut(&keys.collect::<Vec<_>>().join(" / "), NAME_MAX)
    };
    let mut bars: Vec<(usize, (String, Net))> =
        of_unit.map(|row| (name(row), row.net)).enumerate().collect();
    let mut others = Net::default();
    if bars.len() > BARS_MAX {
        bars.sort_by(|(_, (_, one)), (_, (_, other))| other.cmp(one));
        for (_, (_, amount)) in bars.split_off(BARS_MAX) {
            others = others.saturating_add(amount);
        }
        bars.sort_by_key(|(place, _)| *place);
        bars.push((usize::MAX, ("all others".to_owned(), others)));
    }
    bars.into_iter().map(|(_, bar)| bar).collect()
}

type Failure<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn draw_on<'a>(
    area: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    bars: &[(String, Net)],
    unit: &Unit,
) -> Result<(), Failure<'a>> {
    let steps = |(_, amount): &(String, Net)| amount.steps();
    let top = bars.iter().map(steps).max().unwrap_or(0).max(0);
    let bottom = bars.iter().map(steps).min().unwrap_or(0).min(0);
    // For the amount that stands behind the longest bar; without bars there is one unit.
    let room = if bars.is_empty() { Quantity::ONE.steps() } else { (top - bottom) / 6 + 1 };
    let caption = if bars.is_empty() { "nothing was spent" } else { "spent less what came back" };
    // A bar has two steps of height, so that there is one in its middle.
    let height = i32::try_from(bars.len().max(1).saturating_mul(2)).unwrap_or(i32::MAX);
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{caption}, in {unit}"), (FONT, 18))
        .margin(16)
        .margin_right(64)
        .x_label_area_size(40)
        .y_label_area_size(200)
        .build_cartesian_2d(bottom..top.saturating_add(room), 0..height)?;
    let amount = |steps: &i128| Net::of(*steps).amount(unit);
    chart
        .configure_mesh()
        .disable_y_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .label_style((FONT, 13))
        .x_labels(6)
        .set_tick_mark_size(LabelAreaPosition::Left, 0)
        .y_label_formatter(&|_| String::new())
        .x_label_formatter(&amount)
        .draw()?;
    let style = |side| TextStyle::from((FONT, 13).into_font()).pos(Pos::new(side, VPos::Center));
    // The first row stands at the top.
    for ((name, amount), low) in bars.iter().rev().zip((0..height).step_by(2)) {
        let (middle, told) = (low.saturating_add(1), amount.amount(unit));
        let corners = [(0, low), (amount.steps(), low.saturating_add(2))];
        let mut bar = Rectangle::new(corners, SPENT.filled());
        bar.set_margin(3, 3, 0, 0);
        chart.draw_series([bar])?;
        let before = Text::new(name.clone(), (-6, 0), style(HPos::Right));
        chart.draw_series([EmptyElement::at((bottom, middle)) + before])?;
        let behind = Text::new(told, (6, 0), style(HPos::Left));
        let end = amount.steps().max(0);
        chart.draw_series([EmptyElement::at((end, middle)) + behind])?;
    }
    Ok(())
}
