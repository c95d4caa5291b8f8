// How the site's search ranks: pages to learn from first, the API and the appendices last.
// The numbers above `score` are Sphinx's own.
var Scorer = {
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
  score([page, , , , score]) {
    if (/^(api|appendix)\//.test(page)) return score - 12;
    return /^(start|tour|why|normal|glossary|side-by-side|labs\/|how-to|cite)/.test(page) ? score + 2 : score;
  },
};
