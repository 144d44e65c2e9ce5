//! The treemap of `netboot size`: its boxes fill the sheet, and every label is inside its box.

use std::fs;
use std::path::Path;

use svg::node::Attributes;
use svg::parser::Event;

use crate::size::size_of;

/// The height of the heading in pixels.
const HEADING: f64 = 60.0;
/// The width of a letter of a monospaced font, as a part of its size. No common font has wider
/// ones.
const LETTER: f64 = 0.61;

/// A box of the picture.
#[derive(Debug, Default)]
struct Drawn {
    class: String,
    title: String,
    /// The left, top, right and bottom edge.
    edges: [f64; 4],
    labels: Vec<Label>,
}

#[derive(Debug)]
struct Label {
    text: String,
    left: f64,
    baseline: f64,
    font: f64,
}

/// A picture: its width and height, its own texts, and its boxes.
#[derive(Debug)]
struct Picture {
    size: [f64; 2],
    heading: Vec<Label>,
    boxes: Vec<Drawn>,
}

fn number(attributes: &Attributes, name: &str) -> f64 {
    attributes[name].parse().unwrap()
}

impl Picture {
    fn of(change: impl FnOnce(&Path)) -> Self {
        let output = size_of(change, &["--format", "svg"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::read(&String::from_utf8(output.stdout).unwrap())
    }

    fn read(text: &str) -> Self {
        let mut picture = Self { size: [0.0; 2], heading: Vec::new(), boxes: Vec::new() };
        let (mut tag, mut in_box, mut label) = (String::new(), false, None);
        for event in svg::read(text).unwrap() {
            match event {
                Event::Tag("svg", _, attributes) if attributes.contains_key("width") => {
                    picture.size = ["width", "height"].map(|name| number(&attributes, name));
                }
                Event::Tag("g", svg::node::element::tag::Type::Start, _) => {
                    in_box = true;
                    picture.boxes.push(Drawn::default());
                }
                Event::Tag("g", svg::node::element::tag::Type::End, _) => in_box = false,
                Event::Tag("rect", _, attributes) if in_box => {
                    let [left, top, width, height] =
                        ["x", "y", "width", "height"].map(|name| number(&attributes, name));
                    let drawn = picture.boxes.last_mut().unwrap();
                    drawn.edges = [left, top, left + width, top + height];
                    drawn.class = attributes["class"].to_string();
                }
                Event::Tag(name, svg::node::element::tag::Type::Start, attributes) => {
                    name.clone_into(&mut tag);
                    label = (name == "text")
                        .then(|| ["x", "y", "font-size"].map(|name| number(&attributes, name)));
                }
                Event::Text(text) => {
                    let text = text.trim().replace("&gt;", ">");
                    if let Some([left, baseline, font]) = label.take() {
                        let label = Label { text, left, baseline, font };
                        match picture.boxes.last_mut() {
                            Some(drawn) if in_box => drawn.labels.push(label),
                            _ => picture.heading.push(label),
                        }
                    } else if tag == "title" && in_box {
                        picture.boxes.last_mut().unwrap().title = text;
                    }
                }
                _ => {}
            }
        }
        picture
    }

    /// The boxes fill the sheet below the heading, and no two of them overlap.
    fn assert_tiles(&self) {
        let [width, height] = self.size;
        let area = |[left, top, right, bottom]: [f64; 4]| (right - left) * (bottom - top);
        let whole = area([0.0, HEADING, width, height]);
        let sum: f64 = self.boxes.iter().map(|drawn| area(drawn.edges)).sum();
        assert!((sum / whole - 1.0).abs() < 0.001, "{sum} of {whole}");
        for (index, one) in self.boxes.iter().enumerate() {
            let [left, top, right, bottom] = one.edges;
            assert!(left >= 0.0 && top >= HEADING, "{one:?}");
            assert!(right <= width + 0.1 && bottom <= height + 0.1, "{one:?}");
            for other in &self.boxes[..index] {
                let [x, y, to_x, to_y] = other.edges;
                let overlap = [right.min(to_x) - left.max(x), bottom.min(to_y) - top.max(y)];
                assert!(overlap.iter().any(|side| *side < 0.11), "{one:?} {other:?}");
            }
        }
    }

    /// Every text is inside its box or the sheet, no text covers another one of its box, and none
    /// is too small to read.
    fn assert_legible(&self) {
        let inside = |label: &Label, [left, top, right, bottom]: [f64; 4]| {
            let letters = f64::from(u32::try_from(label.text.chars().count()).unwrap());
            let end = label.left + letters * LETTER * label.font;
            assert!(label.left >= left && end <= right, "{label:?}");
            let (above, below) =
                (label.baseline - 0.8 * label.font, label.baseline + 0.2 * label.font);
            assert!(above >= top && below <= bottom, "{label:?}");
            assert!((11.0..=18.0).contains(&label.font), "{label:?}");
        };
        for label in &self.heading {
            inside(label, [0.0, 0.0, self.size[0], HEADING]);
        }
        for drawn in &self.boxes {
            for label in &drawn.labels {
                inside(label, drawn.edges);
            }
            for lines in drawn.labels.windows(2) {
                let gap = lines[1].baseline - lines[0].baseline;
                assert!(gap >= lines[1].font, "{drawn:?}");
            }
        }
    }

    fn labels(&self) -> Vec<&str> {
        let labels = self.boxes.iter().flat_map(|drawn| &drawn.labels);
        labels.map(|label| label.text.as_str()).collect()
    }
}

#[test]
fn a_treemap_fills_its_sheet_and_shows_the_kernel() {
    let picture = Picture::of(|_| ());
    picture.assert_tiles();
    picture.assert_legible();
    let kernel: Vec<_> = picture.boxes.iter().filter(|drawn| drawn.class == "kernel").collect();
    assert_eq!(kernel.len(), 1);
    assert_eq!(kernel[0].labels[0].text, "kernel");
    assert!(kernel[0].title.starts_with("the kernel, "), "{kernel:?}");
    assert!(picture.labels().contains(&"busybox-applets"), "{:?}", picture.labels());
    assert!(picture.heading[0].text.starts_with("worker: a machine fetches"));
}

/// A thousand files, of which each of twenty lists needs fifty: some are large, most are small, and
/// some have long names.
fn with_a_thousand_paths(flake: &Path) {
    let file = flake.join("configuration.nix");
    let text = fs::read_to_string(&file).unwrap();
    let thousand = r#"lists = builtins.genList (
          list:
          builtins.toFile "list-${toString list}" (
            builtins.concatStringsSep "\n" (
              builtins.genList (
                n:
                let
                  number = list * 50 + n;
                  size = 300 + number * number / 8 * (if n == 0 then 8 else 1);
                  name = if n == 1 then "with-a-very-very-long-name-that-no-box-can-hold-in-one-line" else "p";
                in
                builtins.toFile "${name}-${toString number}" (builtins.substring 0 size blank)
              ) 50
            )
          )
        ) 20;
        init = ./init.sh;"#;
    let blank = r#"  blank = builtins.concatStringsSep "" (builtins.genList (_: "0123456789abcdef") 70000);

  toplevel =
"#;
    for part in [
        "        init = ./init.sh;",
        "  toplevel =\n",
        "        mkdir -p \"$out/services\" \"$out/etc\"\n",
    ] {
        assert_eq!(text.matches(part).count(), 1, "the test flake has changed: {part}");
    }
    let text = text
        .replace("init = ./init.sh;", thousand)
        .replace("  toplevel =\n", blank)
        .replace(
            "        mkdir -p \"$out/services\" \"$out/etc\"\n",
            "        mkdir -p \"$out/services\" \"$out/etc\"\n        echo \"$lists\" > \"$out/lists\"\n",
        );
    fs::write(file, text).unwrap();
}

#[test]
fn a_treemap_of_a_thousand_store_paths_is_legible() {
    let picture = Picture::of(with_a_thousand_paths);
    picture.assert_tiles();
    picture.assert_legible();
    assert!(picture.heading[1].text.contains("in 10"), "{:?}", picture.heading);
    let boxes = picture.boxes.len();
    assert!((25..280).contains(&boxes), "{boxes} boxes");
    // Only what remains when everything small is drawn together may be too small for a label.
    let without = picture.boxes.iter().filter(|drawn| drawn.labels.is_empty()).count();
    assert!(without <= 1, "{without} boxes of {boxes} have no label");
    let labels = picture.labels();
    assert!(labels.contains(&"list-19, 50 small ones"), "{labels:?}");
    assert!(labels.contains(&"kernel"), "{labels:?}");
    // Every path is in a box: alone, or counted.
    let counted = |drawn: &Drawn| match drawn.title.split_once(" small ones") {
        Some((name, _)) => name.rsplit(' ').next().unwrap().parse::<usize>().unwrap(),
        None => 1,
    };
    let all: usize = picture.boxes.iter().map(counted).sum();
    let number = picture.heading[1].text.split(" in ").nth(1).unwrap();
    let number: usize = number.split(' ').next().unwrap().parse().unwrap();
    assert!(number > 1000, "{:?}", picture.heading);
    assert_eq!(all, number + 1, "the store paths and the kernel");
}

/// The relative luminance of a colour (Web Content Accessibility Guidelines 2.2).
fn luminance(colour: &str) -> f64 {
    let digits = colour.trim_start_matches('#');
    let long: String = match digits.len() {
        3 => digits.chars().flat_map(|digit| [digit; 2]).collect(),
        _ => digits.to_owned(),
    };
    let part = |index: usize| {
        let part = u8::from_str_radix(&long[2 * index..2 * index + 2], 16).unwrap();
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(0) + 0.7152 * part(1) + 0.0722 * part(2)
}

#[test]
fn labels_have_contrast_on_light_and_on_dark_pages() {
    let output = size_of(|_| (), &["--format", "svg"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let style = text.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let (light, dark) = style.split_once("@media (prefers-color-scheme: dark)").unwrap();
    for theme in [light, dark] {
        let fills: Vec<(&str, f64)> = theme
            .split('}')
            .filter_map(|rule| {
                let (name, values) = rule.rsplit_once('{')?;
                let fill = values.split("fill: ").nth(1)?.split(';').next()?;
                let name = name.rsplit(['\n', '{', '}']).next()?.trim();
                Some((name, luminance(fill)))
            })
            .collect();
        let label = fills.iter().find(|(name, _)| *name == "text").unwrap().1;
        let boxes: Vec<_> = fills.iter().filter(|(name, _)| name.starts_with('.')).collect();
        assert_eq!(boxes.len(), 12, "{boxes:?}");
        for (name, luminance) in boxes {
            let contrast = (label.max(*luminance) + 0.05) / (label.min(*luminance) + 0.05);
            assert!(contrast >= 4.5, "{name}: {contrast:.1}");
        }
    }
}
