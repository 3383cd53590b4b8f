// Small helpers for elements. Texts are only ever set as texts.

export const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

/** Shows a text, or hides the element without one. */
export const tell = (element, text = '') => {
  element.textContent = text
  element.hidden = text === ''
}
