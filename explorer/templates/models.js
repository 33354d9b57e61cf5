// What cards have dropped leaves the page's document as soon as the page rests. Bokeh looks through
// its models 30 s after the last change, and until then keeps all that there have ever been.
(() => {
  const REST_MS = 400;
  const tidy = (doc) => {
    let waiting = 0;
    let kept = doc.all_models.size;
    doc.on_change(() => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        if (doc.all_models.size === kept) return;
        doc.freeze_all_models(() => {}); // it looks through them when this ends
        kept = doc.all_models.size;
      }, REST_MS);
    });
  };
  const begin = () => {
    const documents = window.Bokeh?.documents ?? [];
    if (documents.length) documents.forEach(tidy);
    else setTimeout(begin, 50);
  };
  begin();
})();
