//! Curves, as SVG.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use crate::outcome::Curve;

const SIZE: (u32, u32) = (800, 480);

/// Room above the highest point.
const ABOVE: f64 = 1.15;

/// Draws one file for each plot.
pub(crate) fn draw(folder: &Path, curves: &[Curve]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut plots: BTreeMap<&str, Vec<&Curve>> = BTreeMap::new();
    for curve in curves {
        plots.entry(curve.plot).or_default().push(curve);
    }
    for (name, curves) in plots {
        let path = folder.join(format!("{name}.svg"));
        plot(&path, &curves).map_err(|error| anyhow!("{} cannot be drawn: {error}", path.display()))?;
        println!("drawn: {}", path.display());
    }
    Ok(())
}

fn plot(path: &Path, curves: &[&Curve]) -> Result<(), Box<dyn std::error::Error>> {
    let Some(first) = curves.first() else { return Ok(()) };
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let right = points().map(|point| point.0).fold(1.0, f64::max);
    let top = points().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max) * ABOVE;
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..right, 0.0..top)?;
    chart.configure_mesh().x_desc(first.x).y_desc(first.y).draw()?;
    for (number, curve) in curves.iter().enumerate() {
        let color = Palette99::pick(number).to_rgba();
        let line = LineSeries::new(curve.points.iter().copied(), color.stroke_width(2)).point_size(3);
        let drawn = chart.draw_series(line)?.label(&curve.name);
        drawn.legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK).draw()?;
    area.present()?;
    Ok(())
}
