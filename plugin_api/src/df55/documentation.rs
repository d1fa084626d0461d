//! Documentation of functions.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use datafusion_expr::{DocSection, Documentation};

use crate::abi::message;

/// Documentation as a message.
pub fn documentation_to_message(documentation: &Documentation) -> message::Documentation {
    let Documentation {
        doc_section,
        description,
        syntax_example,
        sql_example,
        arguments,
        alternative_syntax,
        related_udfs,
    } = documentation;
    message::Documentation {
        section: doc_section.label.to_owned(),
        section_description: doc_section.description.map(ToOwned::to_owned),
        section_included: doc_section.include,
        description: description.clone(),
        syntax_example: syntax_example.clone(),
        sql_example: sql_example.clone(),
        arguments: arguments.clone(),
        alternative_syntax: alternative_syntax.clone(),
        related_udfs: related_udfs.clone(),
    }
}

/// Documentation of a message.
///
/// The section's texts live as long as the process, as DataFusion demands; equal texts are kept
/// once, so that reading the same documentation again costs no memory.
pub fn documentation_from_message(message: &message::Documentation) -> Documentation {
    Documentation {
        doc_section: DocSection {
            include: message.section_included,
            label: interned(&message.section),
            description: message.section_description.as_deref().map(interned),
        },
        description: message.description.clone(),
        syntax_example: message.syntax_example.clone(),
        sql_example: message.sql_example.clone(),
        arguments: message.arguments.clone(),
        alternative_syntax: message.alternative_syntax.clone(),
        related_udfs: message.related_udfs.clone(),
    }
}

/// `text` for the rest of the process; equal texts share one copy.
fn interned(text: &str) -> &'static str {
    static TEXTS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    // A panic cannot leave the set half changed.
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = texts.get(text) {
        return known;
    }
    let kept: &'static str = Box::leak(text.into());
    texts.insert(kept);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(documentation: &Documentation) -> Documentation {
        documentation_from_message(&documentation_to_message(documentation))
    }

    #[test]
    fn every_part_survives() {
        for include in [false, true] {
            for description in [None, Some("about")] {
                let section = DocSection {
                    include,
                    label: "Section of this test",
                    description,
                };
                let bare = Documentation::builder(section.clone(), "what", "how").build();
                assert_eq!(round_trip(&bare), bare);
                let full = Documentation::builder(section, "what", "how")
                    .with_sql_example("select 1")
                    .with_argument("x", "a number")
                    .with_argument("y", "another")
                    .with_alternative_syntax("x how y")
                    .with_related_udf("when")
                    .build();
                assert_eq!(round_trip(&full), full);
            }
        }
    }

    #[test]
    fn equal_section_texts_are_kept_once() {
        let documentation = Documentation::builder(DocSection::default(), "what", "how").build();
        let first = round_trip(&documentation).doc_section.label;
        let second = round_trip(&documentation).doc_section.label;
        assert!(std::ptr::eq(first, second));
    }
}
