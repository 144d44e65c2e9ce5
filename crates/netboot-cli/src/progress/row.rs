//! The rows that a terminal shows while work goes on.

use std::time::Duration;

use netboot_core::{Phase, ProfileName, SiteName, Unit, counted};

use super::text::{bytes_of, clock, cut, fill, width};

/// Rows are not wider, so that the numbers stay near the names.
const WIDEST: usize = 110;

/// Narrower rows have no bar and no speed.
const NARROW: usize = 60;

/// The columns for the numbers of a narrow row: `1023.9/1023.9 MiB`.
const NUMBERS: usize = 17;

/// The subject of one row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) site: Option<SiteName>,
    pub(super) phase: Phase,
    pub(super) profile: Option<ProfileName>,
    pub(super) subject: Option<String>,
}

/// The state of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount {
    pub(super) done: u64,
    pub(super) total: Option<u64>,
    /// The unit, unless the row is that of a phase.
    pub(super) unit: Option<Unit>,
    pub(super) per_second: f64,
    pub(super) elapsed: Duration,
}

impl Row {
    /// The row of the phase that this row is a part of.
    pub(super) fn parent(&self) -> Option<Self> {
        let phase = Self { subject: None, ..self.clone() };
        self.subject.is_some().then_some(phase)
    }

    /// The row's name. A part has a margin, because it stands below its phase.
    pub(super) fn label(&self) -> String {
        if let Some(subject) = &self.subject {
            return format!("  {subject}");
        }
        let site = self.site.as_ref().map(|site| format!("{site}: ")).unwrap_or_default();
        let profile = self.profile.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        format!("{site}{profile}{}", self.phase)
    }
}

/// The text of a row, in at most `columns` columns.
pub(super) fn shown(label: &str, amount: Amount, columns: usize) -> String {
    let columns = columns.min(WIDEST);
    let bar = match columns {
        0..NARROW => 0,
        NARROW..90 => 12,
        _ => 24,
    };
    let beside = if bar == 0 { NUMBERS } else { bar + 2 * NUMBERS };
    let label_columns = columns.saturating_sub(beside + 1);
    let text = match (amount.unit, amount.total) {
        // A phase, or one derivation, takes its time.
        (None, _) | (Some(Unit::Items), Some(0 | 1)) => {
            let time = clock(amount.elapsed);
            let room = columns.saturating_sub(width(&time) + 1);
            let label = cut(label, room);
            format!("{} {time}", fill(&label, width(&label).max(label_columns.min(room))))
        }
        (Some(unit), total) => {
            let mut text = fill(label, label_columns);
            if let Some(total) = total.filter(|_| bar > 0) {
                text = text + " " + &drawn(bar, amount.done, total);
            }
            text = text + " " + &numbers(amount.done, total, unit);
            if unit == Unit::Bytes && bar > 0 {
                text = text + "  " + &speed(amount.per_second);
            }
            text
        }
    };
    cut(&text, columns)
}

fn numbers(done: u64, total: Option<u64>, unit: Unit) -> String {
    match (unit, total) {
        (Unit::Bytes, total) => bytes_of(done, total),
        (_, Some(total)) => format!("{done}/{total}"),
        (_, None) => done.to_string(),
    }
}

fn speed(per_second: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the conversion keeps within the type's range, and a speed needs no more"
    )]
    let bytes = per_second as u64;
    bytes_of(bytes, None) + "/s"
}

/// A bar of `columns` columns.
fn drawn(columns: usize, done: u64, total: u64) -> String {
    let inner = columns.saturating_sub(2);
    let filled = inner as u128 * u128::from(done.min(total)) / u128::from(total.max(1));
    let filled = usize::try_from(filled).unwrap_or(inner);
    let mut bar = "=".repeat(filled);
    if filled < inner {
        bar.push('>');
    }
    format!("[{}]", fill(&bar, inner))
}

/// The profiles that wait for their build, in at most `columns` columns.
pub(super) fn waiting(profiles: &[ProfileName], columns: usize) -> String {
    let columns = columns.min(WIDEST);
    (1..=profiles.len())
        .rev()
        .map(|count| {
            let names: Vec<&str> = profiles.iter().take(count).map(ProfileName::as_str).collect();
            let more = match profiles.len() - count {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("waiting: {}{more}", names.join(", "))
        })
        .find(|text| width(text) <= columns)
        .unwrap_or_else(|| {
            cut(&format!("waiting: {}", counted(profiles.len(), "profile")), columns)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn amount(unit: Option<Unit>, done: u64, total: Option<u64>) -> Amount {
        let (per_second, elapsed) = (3.2 * 1_048_576.0, Duration::from_secs(65));
        Amount { done, total, unit, per_second, elapsed }
    }

    #[test]
    fn a_row_says_what_fits() {
        let bytes = amount(Some(Unit::Bytes), 10 * MIB, Some(40 * MIB));
        let rows = [41, 77, 197].map(|columns| shown("  linux-6.12.30", bytes, columns));
        let expected = [
            "  linux-6.12.30         10.0/40.0 MiB",
            "  linux-6.12.30                [==>       ] 10.0/40.0 MiB  3.2 MiB/s",
            "  linux-6.12.30                                     [=====>                ] \
             10.0/40.0 MiB  3.2 MiB/s",
        ];
        assert_eq!(rows, expected);
        let phase = amount(None, 0, None);
        assert_eq!(shown("worker: realising", phase, 41), "worker: realising       1:05");
        let one = amount(Some(Unit::Items), 0, Some(1));
        assert_eq!(shown("  busybox", one, 41), "  busybox               1:05");
        let many = amount(Some(Unit::Items), 3, Some(10));
        assert_eq!(shown("  derivations", many, 41), "  derivations           3/10");
    }

    #[test]
    fn no_row_is_wider_than_its_terminal() {
        let names = [
            "x",
            "nixos-system-netboot-control-plane-25.11.20260101.abcdef",
            "名古屋の計算機の初期化",
        ];
        let amounts = [
            amount(None, 0, None),
            amount(Some(Unit::Items), u64::MAX, Some(u64::MAX)),
            amount(Some(Unit::Bytes), u64::MAX, Some(u64::MAX)),
            amount(Some(Unit::Bytes), 5, None),
            amount(Some(Unit::Items), 5, None),
            Amount { per_second: f64::INFINITY, ..amount(Some(Unit::Bytes), 0, Some(0)) },
        ];
        for columns in 0..=200 {
            for (name, amount) in names.iter().flat_map(|name| amounts.map(|one| (name, one))) {
                let text = shown(name, amount, columns);
                assert!(width(&text) <= columns, "{columns}: {text}");
            }
        }
    }

    #[test]
    fn waiting_profiles_are_named_while_they_fit() {
        let names = |count: usize| -> Vec<ProfileName> {
            (1..=count).map(|number| format!("profile-{number}").parse().unwrap()).collect()
        };
        assert_eq!(waiting(&names(2), 41), "waiting: profile-1, profile-2");
        assert_eq!(waiting(&names(9), 41), "waiting: profile-1, profile-2 and 7 more");
        assert_eq!(waiting(&names(9), 20), "waiting: 9 profiles");
        for columns in 0..=200 {
            assert!(width(&waiting(&names(30), columns)) <= columns);
        }
    }
}
