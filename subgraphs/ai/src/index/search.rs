//! Searching. A question is taken apart into words as documents are, and never parsed: no
//! character in it has a meaning of its own.

use std::collections::BTreeSet;

use studio_access::Clearance;
use studio_kernel::{Id, kind};
use tantivy::{
    TantivyDocument, TantivyError, Term,
    collector::TopDocs,
    query::{BooleanQuery, BoostQuery, ConstScoreQuery, Occur, Query, TermQuery},
    schema::{Field, IndexRecordOption, Value},
};

use super::{
    fields::{self, Fields},
    files::{IndexError, SearchIndex},
    statistics::Statistics,
};
use crate::domain::Question;

/// What a word in the name of a document counts beside one in the passage.
const NAME_WEIGHT: f32 = 0.3;

/// What is looked for.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// The documents that are searched: those that somebody reads.
    pub(crate) clearance: Clearance,
    /// Only in the documents of this project.
    pub(crate) project: Option<Id<kind::Project>>,
    pub(crate) question: Question,
    /// Hits to pass over.
    pub(crate) offset: usize,
    /// Hits to give at most.
    pub(crate) limit: usize,
}

/// What a search came to.
#[derive(Debug)]
pub(crate) enum Looked {
    /// The question holds no word but the most common ones.
    NoWords,
    /// The best first; none where no passage has any of the words.
    Hits(Vec<Hit>),
}

/// A passage that was found.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) document: Id<kind::Document>,
    pub(crate) version: Id<kind::DocumentVersion>,
    pub(crate) number: u32,
    /// What the document is called as of the version.
    pub(crate) name: String,
    /// SHA-256 of the version's bytes.
    pub(crate) sha256: String,
    pub(crate) start_line: u32,
    pub(crate) end_line: u32,
    /// Byte of the version's text at which the passage starts.
    pub(crate) offset: u64,
    /// The passage, as it stands in the text.
    pub(crate) text: String,
    /// BM25, within the documents that were searched.
    pub(crate) score: f32,
}

impl SearchIndex {
    /// Searches documents of one organization. Blocks.
    pub(crate) fn search(&self, wanted: &Wanted) -> Result<Looked, IndexError> {
        let words = words(wanted.question.as_str());
        if words.is_empty() {
            return Ok(Looked::NoWords);
        }
        self.searching(|searcher, fields| {
            let searched = Searched::of(fields, &wanted.clearance);
            let statistics = Statistics::of(searcher, *fields, &searched)?;
            if statistics.passages() == 0 {
                return Ok(Looked::Hits(Vec::new()));
            }
            let query = bound(fields, &searched, wanted.project, &words);
            let best = TopDocs::with_limit(wanted.limit).and_offset(wanted.offset);
            let collector = best.order_by_score();
            let found =
                searcher.search_with_statistics_provider(&query, &collector, &statistics)?;
            let hits = found
                .into_iter()
                .map(|(score, address)| hit(&searcher.doc(address)?, fields, score));
            hits.collect::<tantivy::Result<_>>().map(Looked::Hits)
        })
    }
}

/// The words of a question, each once.
fn words(question: &str) -> BTreeSet<String> {
    let mut analyzer = fields::analyzer();
    let mut stream = analyzer.token_stream(question);
    let mut words = BTreeSet::new();
    while let Some(token) = stream.next() {
        words.insert(token.text.clone());
    }
    words
}

/// The documents that are searched.
pub(super) struct Searched {
    /// The organization.
    pub(super) tenant: Term,
    /// What is read of it, where it is not all: a passage may have several of these terms.
    pub(super) reached: Option<Vec<Term>>,
}

impl Searched {
    fn of(fields: &Fields, clearance: &Clearance) -> Self {
        let tenant = clearance.tenant().to_string();
        let reached = clearance.parts().map(|parts| {
            let mut terms = Vec::new();
            for part in parts {
                let everywhere = [&tenant];
                let places: Vec<&String> = match part.projects {
                    Some(projects) => projects.iter().collect(),
                    None => everywhere.to_vec(),
                };
                let pairs = places.iter().flat_map(|it| part.classes.iter().map(move |c| (it, c)));
                terms.extend(pairs.map(|(place, class)| {
                    let reach = fields::reach(place, class.as_str(), part.owner);
                    Term::from_field_text(fields.reach, &reach)
                }));
            }
            terms
        });
        Self { tenant: Term::from_field_text(fields.tenant, &tenant), reached }
    }

    /// What holds for each passage of them.
    pub(super) fn clauses(&self) -> Vec<(Occur, Box<dyn Query>)> {
        let term = |term: &Term| -> Box<dyn Query> {
            Box::new(TermQuery::new(term.clone(), IndexRecordOption::Basic))
        };
        let mut clauses = vec![(Occur::Must, term(&self.tenant))];
        if let Some(reached) = &self.reached {
            let any = reached.iter().map(|reach| (Occur::Should, term(reach))).collect();
            clauses.push((Occur::Must, Box::new(BooleanQuery::new(any))));
        }
        clauses
    }
}

/// The one place where queries are made: every one is bound to an organization, and to what is read of it.
fn bound(
    fields: &Fields,
    searched: &Searched,
    project: Option<Id<kind::Project>>,
    words: &BTreeSet<String>,
) -> BooleanQuery {
    let filter = |query| -> (Occur, Box<dyn Query>) {
        (Occur::Must, Box::new(ConstScoreQuery::new(query, 0.0)))
    };
    let any = |field: Field| -> BooleanQuery {
        let terms = words.iter().map(|word| -> (Occur, Box<dyn Query>) {
            let term = Term::from_field_text(field, word);
            (Occur::Should, Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)))
        });
        BooleanQuery::new(terms.collect())
    };
    let name = BoostQuery::new(Box::new(any(fields.name)), NAME_WEIGHT);
    let mut clauses = vec![
        filter(Box::new(BooleanQuery::new(searched.clauses()))),
        (Occur::Must, Box::new(any(fields.text)) as Box<dyn Query>),
        (Occur::Should, Box::new(name)),
    ];
    if let Some(project) = project {
        let term = Term::from_field_text(fields.project, &project.to_string());
        clauses.push(filter(Box::new(TermQuery::new(term, IndexRecordOption::Basic))));
    }
    BooleanQuery::new(clauses)
}

fn hit(passage: &TantivyDocument, fields: &Fields, score: f32) -> tantivy::Result<Hit> {
    let broken = |field: Field| {
        TantivyError::InvalidArgument(format!("field {} of a passage", field.field_id()))
    };
    let text = |field| {
        let value = passage.get_first(field).and_then(|value| value.as_str());
        value.ok_or_else(|| broken(field))
    };
    let number = |field| {
        let value = passage.get_first(field).and_then(|value| value.as_u64());
        value.ok_or_else(|| broken(field))
    };
    let small = |field| u32::try_from(number(field)?).map_err(|_| broken(field));
    Ok(Hit {
        document: text(fields.document)?.parse().map_err(|_| broken(fields.document))?,
        version: text(fields.version)?.parse().map_err(|_| broken(fields.version))?,
        number: small(fields.number)?,
        name: text(fields.name)?.to_owned(),
        sha256: text(fields.sha256)?.to_owned(),
        start_line: small(fields.start_line)?,
        end_line: small(fields.end_line)?,
        offset: number(fields.offset)?,
        text: text(fields.text)?.to_owned(),
        score,
    })
}
