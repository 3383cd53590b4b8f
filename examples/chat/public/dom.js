// Small helpers for elements. Texts are only ever set as texts.

export const find = (selector) => document.querySelector(selector)

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

/** A picture of a user that needs no internet: two letters on a colour of their own. */
export const avatar = ({ email }) => {
  const initials = email.slice(0, 2).toUpperCase()
  const element = make('span', { className: 'avatar', textContent: initials, ariaHidden: 'true' })
  const hue = [...email].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 0)
  element.style.setProperty('--hue', hue)
  return element
}
