//! A size report as a picture: one rectangle for each store path, whose area shows its size.

use bytesize::ByteSize;
use netboot_nix::{SizeReport, StorePathSize};
use svg::Document;
use svg::node::element::{Group, Rectangle, SVG, Style, Text, Title};
use treemap::{MapItem, Mappable, Rect, TreemapLayout};

const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 760.0;
/// The height of the heading above the treemap, in pixels.
const TOP: f64 = 64.0;
/// The approximate width of a letter in pixels, at the font size of names.
const LETTER: f64 = 6.6;
/// The colours of paths, one for each path that brings them in.
const COLOURS: [&str; 8] =
    ["#4e79a7", "#59a14f", "#9c755f", "#b07aa1", "#3f8f8b", "#7a6ca8", "#8a8d3f", "#6b7f94"];
/// The colour of packages with several versions.
const DUPLICATE: &str = "#d1495b";

const STYLE: &str = "text { font: 11px sans-serif; fill: #fff; pointer-events: none; } \
    .heading { font-size: 17px; fill: #1b1f24; } .note { font-size: 12px; fill: #444c56; } \
    rect { stroke: #fff; stroke-width: 1; }";

/// Draws a report.
pub(crate) fn render(report: &SizeReport) -> String {
    let mut picture: SVG = Document::new()
        .set("viewBox", (0, 0, WIDTH, HEIGHT))
        .set("width", WIDTH)
        .set("height", HEIGHT)
        .add(Style::new(STYLE))
        .add(Rectangle::new().set("width", WIDTH).set("height", HEIGHT).set("fill", "#fff"));
    let lines = report.to_string();
    for (line, (class, y)) in lines.lines().zip([("heading", 26), ("note", 50)]) {
        let line = line.replace("; the largest:", "; red: packages in several versions");
        picture = picture.add(Text::new(line).set("class", class).set("x", 12).set("y", y));
    }
    let mut bringers: Vec<&str> = report.paths.iter().map(bringer).collect();
    bringers.sort_unstable();
    bringers.dedup();
    for (path, bounds) in report.paths.iter().zip(places(&report.paths)) {
        let is_duplicate = report.duplicates.iter().any(|duplicate| {
            duplicate.versions.values().flatten().any(|other| *other == path.path)
        });
        let turn = bringers.iter().position(|name| *name == bringer(path)).unwrap_or_default();
        let colour = if is_duplicate { DUPLICATE } else { COLOURS[turn % COLOURS.len()] };
        picture = picture.add(draw(path, bounds, colour));
    }
    format!("{picture}\n")
}

/// The place of each path. The layout needs the paths sorted, the largest first, as they are.
fn places(paths: &[StorePathSize]) -> Vec<Rect> {
    #[expect(clippy::cast_precision_loss, reason = "a picture is no more precise than its pixels")]
    let mut items: Vec<MapItem> =
        paths.iter().map(|path| MapItem::with_size(path.own_size as f64)).collect();
    let bounds = Rect::from_points(0.0, TOP, WIDTH, HEIGHT - TOP);
    TreemapLayout::new().layout_items(&mut items, bounds);
    items.iter().map(|item| *item.bounds()).collect()
}

/// The direct dependency of the system through which it needs this path.
fn bringer(path: &StorePathSize) -> &str {
    path.chain.get(1).unwrap_or(&path.path)
}

fn draw(path: &StorePathSize, bounds: Rect, colour: &str) -> Group {
    let rectangle = Rectangle::new()
        .set("x", rounded(bounds.x))
        .set("y", rounded(bounds.y))
        .set("width", rounded(bounds.w))
        .set("height", rounded(bounds.h))
        .set("fill", colour);
    // Browsers show the title where the pointer rests.
    let group = Group::new().add(Title::new(path.to_string())).add(rectangle);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a width in letters is small and not negative"
    )]
    let letters = ((bounds.w - 8.0) / LETTER).max(0.0) as usize;
    if letters < 4 || bounds.h < 16.0 {
        return group;
    }
    let write = |text: &str, below: f64| {
        let text: String = text.chars().take(letters).collect();
        Text::new(text).set("x", rounded(bounds.x + 4.0)).set("y", rounded(bounds.y + below))
    };
    let group = group.add(write(path.name(), 14.0));
    if bounds.h < 32.0 {
        return group;
    }
    group.add(write(&ByteSize::b(path.own_size).display().iec().to_string(), 28.0))
}

/// Rounds to a tenth of a pixel, so that the file is short.
fn rounded(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}
