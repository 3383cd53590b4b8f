//! Guarded events: those of services with rules, of which each group sees its own part.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;

use super::{Group, Readers};
use crate::data::error::Result;
use crate::data::id::Id;
use crate::data::payload::Payload;
use crate::event::change::{Change, Image};
use crate::event::{Body, EventKind};

/// So many answers are kept with an event; others are found again each time.
const KEPT: usize = 64;

/// Which connections a part of an event is for.
#[derive(Clone, Debug)]
pub(crate) enum Guard {
    /// Those members of its channels that may see it.
    Members(Arc<Guarded>),
    /// All that may see it.
    Readers(Arc<Guarded>),
}

impl Guard {
    pub(crate) fn guarded(&self) -> &Arc<Guarded> {
        match self {
            Self::Members(guarded) | Self::Readers(guarded) => guarded,
        }
    }
}

/// What a guarded event tells of.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// A record, as far as it is known: before the change, and after it.
    Record { before: Option<Image>, after: Option<Image> },
    /// Something that is no record, so that no condition of a rule can be asked of it.
    Other,
}

/// An event of a service with rules, as the groups of its readers see it.
pub(crate) struct Guarded {
    readers: Arc<Readers>,
    kind: Arc<EventKind>,
    told: Told,
    id: Option<Id>,
    seen: Mutex<Seen>,
}

/// What is known already.
#[derive(Default)]
struct Seen {
    groups: SmallVec<[(Arc<Group>, Answer); 1]>,
    /// By what a change is for a group, and what is hidden from it.
    views: SmallVec<[(Kind, Option<Sight>); 1]>,
}

/// The fields that are hidden from a group.
type Fields = Arc<[Arc<str>]>;

/// What a view is made of.
type Kind = (Passage, Fields);

/// What is known of an event and one group.
#[derive(Clone)]
enum Answer {
    /// What the change is for it; what of it is seen has not been asked.
    Passes(Passage),
    /// What it sees.
    Sees(Option<Sight>),
}

/// What a change is for a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    /// The record could not be seen, and cannot.
    Nothing,
    /// It could be seen, as far as there was one, and can.
    Same,
    /// It can be seen now.
    Entered,
    /// It cannot be seen any more.
    Left,
}

/// What a group gets of an event.
#[derive(Clone, Debug)]
pub(crate) enum Sight {
    /// The event as it is.
    Whole,
    /// This instead.
    View(Arc<View>),
}

/// An event as some groups get it.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) name: Arc<str>,
    pub(crate) body: Body,
}

impl Guarded {
    /// Guards an event with this payload. `change` is what a store has told of it.
    ///
    /// Without a change the payload of an event of a record counts as the record: after the change, or before it where
    /// it was removed. A custom event tells of a record if its data has an id.
    pub(crate) fn new(
        readers: &Arc<Readers>,
        kind: &Arc<EventKind>,
        payload: &Payload,
        change: Option<&Change>,
        is_custom: bool,
    ) -> Self {
        let readers = readers.clone();
        let (told, id) = match change {
            Some(change) => {
                let (before, after) = (change.before().cloned(), change.after().cloned());
                (Told::Record { before, after }, change.id())
            }
            None => match payload.value().ok().and_then(Image::of_json) {
                Some(image) if !is_custom || image.id(readers.id()).is_some() => {
                    let id = image.id(readers.id());
                    let image = Some(image);
                    let is_gone = &*kind.name == "removed";
                    let (before, after) = if is_gone { (image, None) } else { (None, image) };
                    (Told::Record { before, after }, id)
                }
                _ if is_custom => (Told::Other, None),
                _ => (Told::Record { before: None, after: None }, None),
            },
        };
        Self { readers, kind: kind.clone(), told, id, seen: Mutex::default() }
    }

    /// Guards another body of the same event.
    pub(super) fn again(&self) -> Self {
        let (readers, kind, told) = (self.readers.clone(), self.kind.clone(), self.told.clone());
        Self { readers, kind, told, id: self.id.clone(), seen: Mutex::default() }
    }

    pub(crate) fn readers(&self) -> &Arc<Readers> {
        &self.readers
    }

    pub(super) fn told(&self) -> &Told {
        &self.told
    }

    /// Returns how many images it keeps, each about as large as the record.
    pub(crate) fn images(&self) -> usize {
        match &self.told {
            Told::Record { before, after } => usize::from(before.is_some()) + usize::from(after.is_some()),
            Told::Other => 0,
        }
    }

    /// Tells whether the change is anything for a group, as far as the records tell.
    pub(crate) fn concerns(&self, group: &Arc<Group>) -> bool {
        let mut seen = self.seen();
        match find(&seen.groups, group) {
            Some(Answer::Passes(passage)) => *passage != Passage::Nothing,
            Some(Answer::Sees(sight)) => sight.is_some(),
            None => {
                let passage = self.passage(group);
                if seen.groups.len() < KEPT {
                    seen.groups.push((group.clone(), Answer::Passes(passage)));
                }
                passage != Passage::Nothing
            }
        }
    }

    /// Returns what a group gets of the event, whose own body this is; `None` if nothing.
    pub(crate) fn sight(&self, group: &Arc<Group>, own: &Body) -> Option<Sight> {
        let mut seen = self.seen();
        let passage = match find(&seen.groups, group) {
            Some(Answer::Sees(sight)) => return sight.clone(),
            Some(Answer::Passes(passage)) => *passage,
            None => self.passage(group),
        };
        let sight = self.look(&mut seen, passage, &group.rights().hidden, own);
        let answer = Answer::Sees(sight.clone());
        if let Some((_, known)) = seen.groups.iter_mut().find(|(other, _)| Arc::ptr_eq(other, group)) {
            *known = answer;
        } else if seen.groups.len() < KEPT {
            seen.groups.push((group.clone(), answer));
        }
        sight
    }

    fn passage(&self, group: &Group) -> Passage {
        let sees = |image: &Image| group.rights().filter.matches(&|path| image.lookup(path));
        match &self.told {
            _ if group.reads_nothing() => Passage::Nothing,
            Told::Other => Passage::Same,
            Told::Record { before: Some(before), after: Some(after) } => match (sees(before), sees(after)) {
                (false, false) => Passage::Nothing,
                (false, true) => Passage::Entered,
                (true, false) => Passage::Left,
                (true, true) => Passage::Same,
            },
            Told::Record { before: Some(image), after: None } | Told::Record { before: None, after: Some(image) } => {
                if sees(image) {
                    Passage::Same
                } else {
                    Passage::Nothing
                }
            }
            Told::Record { before: None, after: None } => Passage::Nothing,
        }
    }

    /// Returns what is seen of a passage without these fields; it is made once.
    fn look(&self, seen: &mut Seen, passage: Passage, hidden: &Fields, own: &Body) -> Option<Sight> {
        if passage == Passage::Nothing {
            return None;
        }
        let known = seen.views.iter().find(|((other, fields), _)| *other == passage && fields == hidden);
        if let Some((_, sight)) = known {
            return sight.clone();
        }
        // What cannot be written is not sent.
        let sight = self.make(passage, hidden, own).unwrap_or_else(|error| {
            tracing::error!(path = %self.kind.path, ?error, "an event cannot be written and is not sent");
            None
        });
        if seen.views.len() < KEPT {
            seen.views.push(((passage, hidden.clone()), sight.clone()));
        }
        sight
    }

    fn make(&self, passage: Passage, hidden: &[Arc<str>], own: &Body) -> Result<Option<Sight>> {
        let view =
            |name: &Arc<str>, json| Some(Sight::View(Arc::new(View { name: name.clone(), body: Body::of(json) })));
        let masked = || Payload::from_valid_json(own.to_bytes()).without(hidden)?.to_bytes();
        match passage {
            Passage::Nothing => Ok(None),
            Passage::Left => {
                let Some(id) = &self.id else { return Ok(None) };
                let gone = serde_json::json!({ self.readers.id(): id });
                Ok(view(&self.readers.removed, &serde_json::to_vec(&gone)?.into()))
            }
            Passage::Entered => Ok(view(&self.readers.created, &masked()?)),
            Passage::Same if self.is_out_of_sight(hidden)? => Ok(None),
            Passage::Same if hidden.is_empty() => Ok(Some(Sight::Whole)),
            Passage::Same => {
                let json = masked()?;
                Ok(if *json == *own.json() { Some(Sight::Whole) } else { view(&self.kind.name, &json) })
            }
        }
    }

    /// Tells whether the change is one of fields that are not seen, and of nothing else.
    fn is_out_of_sight(&self, hidden: &[Arc<str>]) -> Result<bool> {
        let Told::Record { before: Some(before), after: Some(after) } = &self.told else { return Ok(false) };
        let all: Vec<Arc<str>> = hidden.iter().chain(&*self.kind.hidden).cloned().collect();
        if all.is_empty() {
            return Ok(false);
        }
        let (before, after) = (before.payload(), after.payload());
        let is_alike = before.clone().outbound(&all)?.json()? == after.clone().outbound(&all)?.json()?;
        Ok(is_alike && before.json()? != after.json()?)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<'a>(groups: &'a [(Arc<Group>, Answer)], group: &Arc<Group>) -> Option<&'a Answer> {
    groups.iter().find(|(other, _)| Arc::ptr_eq(other, group)).map(|(_, answer)| answer)
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The images may be private.
        f.debug_struct("Guarded").field("path", &self.kind.path).field("id", &self.id).finish_non_exhaustive()
    }
}
