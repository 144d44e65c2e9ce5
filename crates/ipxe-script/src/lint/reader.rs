//! A script, its graph, and the findings so far.

use crate::build::ipxe_build::IpxeBuild;
use crate::lint::finding::LintFinding;
use crate::lint::finding_kind::LintFindingKind;
use crate::lint::graph::Graph;
use crate::lint::walk::Walker;
use crate::script::Script;
use crate::script::magic::MagicProblem;
use crate::script::position::Span;

/// The data that all checks share.
pub(crate) struct Reader<'a> {
    pub(crate) script: &'a Script,
    pub(crate) build: &'a IpxeBuild,
    pub(crate) graph: Graph<'a>,
    pub(crate) walker: Walker,
    /// True if the script reads settings that only another script can have set, so that other
    /// script chains this one.
    pub(crate) depends_on_another: bool,
    findings: Vec<LintFinding>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(script: &'a Script, build: &'a IpxeBuild) -> Self {
        let graph = Graph::new(script);
        let walker = Walker::new(graph.len());
        let findings = Vec::new();
        Self { script, build, graph, walker, depends_on_another: false, findings }
    }

    pub(crate) fn find(&mut self, span: Span, kind: LintFindingKind) {
        let position = self.script.position(span.start);
        self.findings.push(LintFinding::new(kind, span, position));
    }

    /// Adds findings that were collected while the graph was borrowed.
    pub(crate) fn find_all(&mut self, found: impl IntoIterator<Item = (Span, LintFindingKind)>) {
        for (span, kind) in found {
            self.find(span, kind);
        }
    }

    pub(crate) fn into_findings(mut self) -> Vec<LintFinding> {
        if self.script.magic() == Err(MagicProblem::ByteOrderMark) {
            // The mark makes commands of the words of the first line.
            let is_magic = |kind: &LintFindingKind| matches!(kind, LintFindingKind::Magic { .. });
            self.findings.retain(|finding| finding.line > 1 || is_magic(&finding.kind));
        }
        self.findings.sort_by_key(|finding| (finding.start, finding.end));
        self.findings.dedup();
        self.findings
    }
}
