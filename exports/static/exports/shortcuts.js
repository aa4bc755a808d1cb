// "/" puts the cursor into the search of the top bar, except where one is typing.
const search = document.getElementById("topsearch");
const isTyping = (element) =>
  element.matches("input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select") ||
  element.isContentEditable;

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  if (!search || isTyping(event.target)) return;
  event.preventDefault();
  search.focus();
  search.select();
});
