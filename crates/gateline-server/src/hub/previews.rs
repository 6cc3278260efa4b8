//! Previews that were made. What a preview looks at is past, so it says the same each time.

use std::collections::VecDeque;

use gateline_api::PreviewView;
use gateline_model::ProposalId;

/// Previews that are kept.
const PREVIEWS_KEPT: usize = 64;

/// The previews that were made last, the latest at the end.
#[derive(Default)]
pub(crate) struct Previews(VecDeque<(ProposalId, PreviewView)>);

impl Previews {
    pub(crate) fn get(&self, id: &ProposalId) -> Option<&PreviewView> {
        let found = self.0.iter().find(|(kept, _)| kept == id);
        found.map(|(_, view)| view)
    }

    pub(crate) fn keep(&mut self, id: ProposalId, view: PreviewView) {
        if self.0.len() == PREVIEWS_KEPT {
            self.0.pop_front();
        }
        self.0.push_back((id, view));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_preview_is_dropped() {
        let id = |number| ProposalId {
            project: "payments".parse().unwrap(),
            number,
        };
        let mut previews = Previews::default();
        for number in 0..=PREVIEWS_KEPT as u64 {
            previews.keep(id(number), PreviewView::default());
        }
        assert_eq!(previews.get(&id(0)), None);
        assert!(previews.get(&id(1)).is_some());
    }
}
