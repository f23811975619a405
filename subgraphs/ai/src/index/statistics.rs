//! The numbers behind BM25, of the documents alone that are searched. With those of the whole index, the
//! score of a search would tell how often its words stand in the documents of others.

use tantivy::{
    DocSet, Searcher, TERMINATED, Term,
    collector::Count,
    query::{Bm25StatisticsProvider, BooleanQuery, Occur, TermQuery},
    schema::{Field, IndexRecordOption},
};

use super::{fields::Fields, search::Searched};

pub(super) struct Statistics<'a> {
    searcher: &'a Searcher,
    fields: Fields,
    searched: &'a Searched,
    passages: u64,
    /// Words in the passages' texts and in their names.
    words: (u64, u64),
}

impl<'a> Statistics<'a> {
    /// Counts the passages that are searched, and their words.
    pub(super) fn of(
        searcher: &'a Searcher,
        fields: Fields,
        searched: &'a Searched,
    ) -> tantivy::Result<Self> {
        let (mut passages, mut words) = (0, (0, 0));
        let (field, terms) = match &searched.reached {
            Some(reached) => (fields.reach, reached.as_slice()),
            None => (fields.tenant, std::slice::from_ref(&searched.tenant)),
        };
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let text = segment.get_fieldnorms_reader(fields.text)?;
            let name = segment.get_fieldnorms_reader(fields.name)?;
            // A passage has a term for each way in which it is reached, and counts once.
            let mut met = vec![false; segment.max_doc() as usize];
            for term in terms {
                let Some(mut postings) = index.read_postings(term, IndexRecordOption::Basic)?
                else {
                    continue;
                };
                while postings.doc() != TERMINATED {
                    let passage = postings.doc();
                    let first = !std::mem::replace(&mut met[passage as usize], true);
                    if first && !segment.is_deleted(passage) {
                        passages += 1;
                        words.0 += u64::from(text.fieldnorm(passage));
                        words.1 += u64::from(name.fieldnorm(passage));
                    }
                    postings.advance();
                }
            }
        }
        Ok(Self { searcher, fields, searched, passages, words })
    }

    pub(super) fn passages(&self) -> u64 {
        self.passages
    }
}

impl Bm25StatisticsProvider for Statistics<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        Ok(match field {
            field if field == self.fields.text => self.words.0,
            field if field == self.fields.name => self.words.1,
            _ => self.passages,
        })
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.passages)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        let mut clauses = self.searched.clauses();
        let word = TermQuery::new(term.clone(), IndexRecordOption::Basic);
        clauses.push((Occur::Must, Box::new(word)));
        Ok(self.searcher.search(&BooleanQuery::new(clauses), &Count)? as u64)
    }
}
