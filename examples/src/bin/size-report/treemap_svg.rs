//! A size report as a picture: one box for the kernel and for each store path, whose area shows its
//! size. Boxes that would be too small for a label are drawn together.

mod block;

use std::fmt::Display;

use bytesize::ByteSize;
use netboot_nix::SizeReport;
use streemap::{Rect, squarify};
use svg::Document;
use svg::node::element::{Group, Rectangle, SVG, Style, Text, Title};

use self::block::{Block, Kind, blocks};

const WIDTH: f64 = 1200.0;
const HEIGHT: f64 = 800.0;
/// The height of the heading above the boxes.
const TOP: f64 = 60.0;
/// The smallest area of a box that is not drawn together with others. It has room for a label of
/// two lines.
const LEAST_AREA: f64 = 3200.0;
/// The width of a letter of the font, as a part of the font size. Fonts of fixed width have 0.60.
const LETTER: f64 = 0.61;
/// The font sizes of labels.
const FONT_SIZES: (f64, f64) = (11.0, 18.0);
/// The space between the edge of a box and its label.
const MARGIN: f64 = 5.0;
/// The number of colours for store paths, one for each direct dependency of the system.
const COLOURS: usize = 8;

/// The colours of boxes are light on a light page, and dark on a dark page.
const STYLE: &str = "
svg { background: #fff; }
text { font-family: monospace; fill: #16191d; pointer-events: none; }
rect { stroke: #fff; stroke-width: 1; }
.sheet { fill: #fff; stroke: none; }
.kernel { fill: #ffd27a; } .duplicate { fill: #f5a8a2; } .together { fill: #d8dbe0; }
.c0 { fill: #a9c8ea; } .c1 { fill: #b4ddac; } .c2 { fill: #e0cbb9; } .c3 { fill: #dfc0da; }
.c4 { fill: #a5d9d0; } .c5 { fill: #c9c3ea; } .c6 { fill: #d9dc9d; } .c7 { fill: #c2cfdc; }
@media (prefers-color-scheme: dark) {
  svg { background: #14171c; }
  text { fill: #f1f3f6; }
  rect { stroke: #14171c; }
  .sheet { fill: #14171c; }
  .kernel { fill: #7d5200; } .duplicate { fill: #8f2a33; } .together { fill: #3b4149; }
  .c0 { fill: #2b5079; } .c1 { fill: #2f6032; } .c2 { fill: #664b3a; } .c3 { fill: #673f63; }
  .c4 { fill: #22605a; } .c5 { fill: #4a4180; } .c6 { fill: #585b1e; } .c7 { fill: #43546a; }
}
";

/// Draws a report.
pub(crate) fn render(report: &SizeReport) -> String {
    let sheet = Rect { x: 0.0, y: TOP, w: WIDTH, h: HEIGHT - TOP };
    let least = LEAST_AREA / (sheet.w * sheet.h);
    let nowhere = Rect { x: 0.0, y: 0.0, w: 0.0, h: 0.0 };
    let mut placed: Vec<(Block, Rect<f64>)> =
        blocks(report, least).into_iter().map(|block| (block, nowhere)).collect();
    squarify(sheet, &mut placed, |(block, _)| block.area(), |(_, place), bounds| *place = bounds);

    let mut picture: SVG = Document::new()
        .set("viewBox", (0, 0, WIDTH, HEIGHT))
        .set("width", WIDTH)
        .set("height", HEIGHT)
        .add(Style::new(STYLE))
        .add(Rectangle::new().set("class", "sheet").set("width", WIDTH).set("height", HEIGHT));
    let lines = report.to_string();
    let heading = lines.lines().next().unwrap_or_default();
    let paths = netboot_core::counted(report.paths.len(), "store path");
    let note = format!(
        "{} in {paths}, before compression, and the kernel (yellow); red: in several versions; \
         grey: several drawn together",
        size(report.closure)
    );
    for (line, font, baseline) in [(heading, 16.0, 25.0), (&note, 13.0, 47.0)] {
        picture = picture.add(text(line, WIDTH, font, MARGIN, baseline));
    }
    for (block, place) in &placed {
        picture = picture.add(draw(block, *place));
    }
    format!("{picture}\n")
}

/// A box with as much of its label as fits into it.
fn draw(block: &Block, place: Rect<f64>) -> Group {
    let (left, top) = (rounded(place.x), rounded(place.y));
    let (width, height) = (rounded(place.x + place.w) - left, rounded(place.y + place.h) - top);
    let class = match block.kind {
        Kind::Kernel => "kernel".to_owned(),
        Kind::Duplicate => "duplicate".to_owned(),
        Kind::Together => "together".to_owned(),
        Kind::Of(dependency) => format!("c{}", dependency % COLOURS),
    };
    let rectangle = Rectangle::new()
        .set("class", class)
        .set("x", left)
        .set("y", top)
        .set("width", rounded(width))
        .set("height", rounded(height));
    // Browsers show the title where the pointer rests.
    let mut group = Group::new().add(Title::new(block.title.clone())).add(rectangle);
    // The name is as large as its box allows, and the size stands below it.
    let (least, most) = FONT_SIZES;
    let font = font_for(&block.name, width).min(height / 4.0).clamp(least, most);
    let baseline = top + font + 2.0;
    if width < 2.0 * MARGIN + 4.0 * LETTER * least || baseline + 0.3 * font > top + height {
        return group;
    }
    group = group.add(text(&block.name, width, font, left + MARGIN, baseline));
    let (size, baseline) = (size(block.bytes), baseline + least + 4.0);
    if font_for(&size, width) < least || baseline + 0.3 * least > top + height {
        return group;
    }
    group.add(text(&size, width, least, left + MARGIN, baseline))
}

/// The largest font size in which a line fits into this width, with its margins.
fn font_for(line: &str, width: f64) -> f64 {
    (width - 2.0 * MARGIN) / (as_number(line.chars().count()) * LETTER)
}

/// A line of text that is no wider than `width` with its margins: smaller, if it is still legible
/// then, or else shortened.
fn text(line: &str, width: f64, font: f64, left: f64, baseline: f64) -> Text {
    let fitting = font_for(line, width);
    let font = rounded_font(font.min(fitting.max(FONT_SIZES.0)));
    let mut shown = line.to_owned();
    if fitting < font {
        let letters = rounded_down((width - 2.0 * MARGIN) / (font * LETTER));
        shown = line.chars().take(letters.saturating_sub(1)).collect();
        shown.push('\u{2026}');
    }
    Text::new(shown).set("x", rounded(left)).set("y", rounded(baseline)).set("font-size", font)
}

fn size(bytes: u64) -> String {
    let bytes: &dyn Display = &ByteSize::b(bytes).display().iec();
    bytes.to_string()
}

/// Rounds to a tenth of a pixel, so that the file is short.
fn rounded(pixels: f64) -> f64 {
    (pixels * 10.0).round() / 10.0
}

/// Rounds a font size down, so that rounding makes no text wider.
fn rounded_font(pixels: f64) -> f64 {
    (pixels * 10.0).floor() / 10.0
}

#[expect(clippy::cast_precision_loss, reason = "a line of text has few letters")]
fn as_number(letters: usize) -> f64 {
    letters as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a width in letters is small, and a negative one is no letter"
)]
fn rounded_down(letters: f64) -> usize {
    letters.max(0.0) as usize
}
