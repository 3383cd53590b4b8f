//! Charts of a report in SVG: one panel for each work and figure, a bar for each peer, the goal as a line.
//!
//! Texts and axes change their colour with the colour scheme of the reader.

use plotters::coord::ranged1d::SegmentValue;
use plotters::prelude::*;

use crate::outcome::Outcome;
use crate::peer::Peer;
use crate::report::{Metric, Report};
use crate::statistics::Spread;

const WIDTH: u32 = 860;
/// Height of a bar with the space around it.
const BAR: u32 = 24;
/// Height of a panel beside its bars: caption, axis, margins.
const FRAME: u32 = 100;

const INK: RGBColor = RGBColor(0x24, 0x29, 0x2F);
const OURS: RGBColor = RGBColor(0x1F, 0x7A, 0xC4);
const OTHERS: RGBColor = RGBColor(0x9A, 0xA4, 0xAE);
const GOAL: RGBColor = RGBColor(0xE0, 0x4F, 0x3A);

/// What plotters writes for [`INK`], and what a dark page needs in its place.
const STYLE: &str = "<style>@media (prefers-color-scheme: dark) { [fill=\"#24292F\"] { fill: #E6EDF3 } \
                     [stroke=\"#24292F\"] { stroke: #E6EDF3 } }</style>";

/// One figure of one work.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    work: String,
    metric: Metric,
}

impl Panel {
    pub(crate) fn new(work: &str, metric: Metric) -> Self {
        Self { work: work.to_owned(), metric }
    }
}

/// One peer in a panel.
struct Bar {
    peer: Peer,
    spread: Spread,
    goal: Option<f64>,
}

/// Draws those panels that have figures; nothing when none has.
pub(crate) fn draw(report: &Report, panels: &[Panel]) -> Outcome<Option<String>> {
    let panels: Vec<(&Panel, Vec<Bar>)> =
        panels.iter().map(|panel| (panel, bars(report, panel))).filter(|(_, bars)| !bars.is_empty()).collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let height = |bars: &[Bar]| -> Outcome<u32> { Ok(FRAME + BAR * u32::try_from(bars.len())?) };
    let total = panels.iter().map(|(_, bars)| height(bars)).sum::<Outcome<u32>>()?;
    let mut svg = String::new();
    {
        let mut rest = SVGBackend::with_string(&mut svg, (WIDTH, total)).into_drawing_area();
        for (panel, bars) in &panels {
            let (area, below) = rest.split_vertically(height(bars)?);
            draw_panel(&area, panel, bars)?;
            rest = below;
        }
        rest.present()?;
    }
    Ok(Some(with_style(&svg)))
}

/// Returns the peers of a panel, those first that use least.
fn bars(report: &Report, panel: &Panel) -> Vec<Bar> {
    let rows = report.rows.iter().filter(|row| row.work == panel.work);
    let mut bars: Vec<Bar> = rows
        .filter_map(|row| {
            let spread = report.spread(&panel.work, row.peer, panel.metric)?;
            Some(Bar { peer: row.peer, spread, goal: report.limit(&panel.work, row.peer, panel.metric) })
        })
        .collect();
    bars.sort_by(|one, other| one.spread.median.total_cmp(&other.spread.median));
    bars
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw_panel(area: &Area<'_>, panel: &Panel, bars: &[Bar]) -> Outcome {
    let Panel { work, metric } = panel;
    let most = bars.iter().map(|bar| bar.spread.max.max(bar.goal.unwrap_or_default())).fold(0.0, f64::max);
    let text = |size: u32| ("sans-serif", size).into_font().color(&INK);
    let rows = bars.len().max(1);
    let mut chart = ChartBuilder::on(area)
        .caption(format!("{work}: {}", metric.title), text(17))
        .margin(8)
        .margin_right(40)
        .x_label_area_size(40)
        .y_label_area_size(160)
        .build_cartesian_2d(0.0..most * 1.12, (0..rows - 1).into_segmented())?;
    let digits = usize::from(most < 10.0);
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(INK.mix(0.15))
        .axis_style(INK)
        .x_desc(format!("{} (thin line: smallest to largest, red line: goal)", metric.title))
        .x_labels(8)
        .y_labels(rows)
        .x_label_formatter(&|value| format!("{value:.digits$}"))
        .y_label_formatter(&|at| match at {
            SegmentValue::CenterOf(index) => {
                bars.iter().rev().nth(*index).map(|bar| bar.peer.name()).unwrap_or_default()
            }
            _ => String::new(),
        })
        .axis_desc_style(text(13))
        .label_style(text(13))
        .draw()?;
    for (index, bar) in bars.iter().rev().enumerate() {
        let (from, to) = (SegmentValue::Exact(index), SegmentValue::Exact(index + 1));
        let Bar { spread, goal, peer } = bar;
        let color = if peer.is_ours() { OURS } else { OTHERS };
        let mut rectangle = Rectangle::new([(0.0, from.clone()), (spread.median, to.clone())], color.filled());
        rectangle.set_margin(4, 4, 0, 0);
        chart.draw_series([rectangle])?;
        let middle = SegmentValue::CenterOf(index);
        chart.draw_series([PathElement::new([(spread.min, middle.clone()), (spread.max, middle.clone())], INK)])?;
        if let Some(goal) = *goal {
            chart.draw_series([PathElement::new([(goal, from), (goal, to)], GOAL.stroke_width(3))])?;
        }
        let label = format!("{:.*}", metric.digits, spread.median);
        let beside = spread.max.max(goal.unwrap_or_default());
        let label = EmptyElement::at((beside, middle)) + Text::new(label, (6, -6), text(12));
        chart.draw_series([label])?;
    }
    Ok(())
}

/// Puts the style right after the opening tag.
fn with_style(svg: &str) -> String {
    match svg.split_once('>') {
        Some((head, rest)) => format!("{head}>\n{STYLE}{rest}"),
        None => svg.to_owned(),
    }
}
