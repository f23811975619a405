//! The numbers behind BM25, of one organization alone. With those of the whole index, the score of
//! a search would tell how often its words stand in the documents of others.

use tantivy::{
    DocSet, Searcher, TERMINATED, Term,
    collector::Count,
    query::{Bm25StatisticsProvider, BooleanQuery, Occur, Query, TermQuery},
    schema::{Field, IndexRecordOption},
};

use super::fields::Fields;

pub(super) struct TenantStatistics<'a> {
    searcher: &'a Searcher,
    fields: Fields,
    tenant: Term,
    passages: u64,
    /// Words in the passages' texts and in their names.
    words: (u64, u64),
}

impl<'a> TenantStatistics<'a> {
    /// Counts the passages of an organization and their words.
    pub(super) fn of(
        searcher: &'a Searcher,
        fields: Fields,
        tenant: Term,
    ) -> tantivy::Result<Self> {
        let (mut passages, mut words) = (0, (0, 0));
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(fields.tenant)?;
            let Some(mut postings) = index.read_postings(&tenant, IndexRecordOption::Basic)? else {
                continue;
            };
            let text = segment.get_fieldnorms_reader(fields.text)?;
            let name = segment.get_fieldnorms_reader(fields.name)?;
            while postings.doc() != TERMINATED {
                let passage = postings.doc();
                if !segment.is_deleted(passage) {
                    passages += 1;
                    words.0 += u64::from(text.fieldnorm(passage));
                    words.1 += u64::from(name.fieldnorm(passage));
                }
                postings.advance();
            }
        }
        Ok(Self { searcher, fields, tenant, passages, words })
    }

    pub(super) fn passages(&self) -> u64 {
        self.passages
    }
}

impl Bm25StatisticsProvider for TenantStatistics<'_> {
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
        let must = |term: &Term| -> (Occur, Box<dyn Query>) {
            (Occur::Must, Box::new(TermQuery::new(term.clone(), IndexRecordOption::Basic)))
        };
        let both = BooleanQuery::new(vec![must(&self.tenant), must(term)]);
        Ok(self.searcher.search(&both, &Count)? as u64)
    }
}
