// The page opens two desks. They share nothing but the page: each has a connection and a login of its own.
import { Desk } from './desk.js'

for (const section of document.querySelectorAll('.desk')) new Desk(section, section.dataset.user).open()
