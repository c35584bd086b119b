'use strict'

/** Everything that `index.d.ts` offers has a sentence: what it is, in which unit, what the default is, when it comes. */

const fs = require('node:fs')
const path = require('node:path')
const ts = require('typescript')

/** By themselves: a class's constructor is for its subclasses, and one `on()` stands for its events. */
const SAID_ELSEWHERE = ['constructor', 'on']

const nameOf = node => {
  if (node.name) return node.name.getText()
  if (ts.isIndexSignatureDeclaration(node)) return '[]'
  return ts.isConstructorDeclaration(node) ? 'constructor' : ''
}

const isDescribed = node =>
  ts.getJSDocCommentsAndTags(node).some(({ comment, tags }) => comment || tags?.length)

/** Declarations without a sentence, by their path. @param {string} text */
const undescribed = text => {
  const source = ts.createSourceFile('index.d.ts', text, ts.ScriptTarget.Latest, true)
  const found = []
  const look = (node, name) => {
    const said = SAID_ELSEWHERE.includes(name.split('.').at(-1))
    if (!said && !isDescribed(node)) found.push(name)
  }
  const lookAtMember = (node, parent) => {
    const name = `${parent}.${nameOf(node)}`
    look(node, name)
    if (node.type) lookAtType(node.type, name)
  }
  const lookAtType = (type, parent) => {
    if (ts.isTypeLiteralNode(type)) type.members.forEach(member => lookAtMember(member, parent))
    // What a function takes and gives is said with the function.
    else if (!ts.isFunctionTypeNode(type)) {
      type.forEachChild(child => void (ts.isTypeNode(child) && lookAtType(child, parent)))
    }
  }
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) continue
    const [declaration = statement] = statement.declarationList?.declarations ?? []
    const name = nameOf(declaration)
    look(statement, name)
    statement.members?.forEach(member => lookAtMember(member, name))
    if (declaration.type) lookAtType(declaration.type, name)
  }
  return found
}

test('every declaration and every member has a sentence', () => {
  const file = path.join(__dirname, '..', '..', 'index.d.ts')
  expect(undescribed(fs.readFileSync(file, 'utf8'))).toEqual([])
})

test('what has none is found, however deep', () => {
  const text = `
/** Said. */
export interface A {
  /** Said. */
  a: Array<{ b: string }>
  c: (options: { d: string }) => void
}
export type E = {
  /** Said. */
  f: string
} & G<{ h: number }>
export enum I {
  /** Said. */
  J = 1,
  K = 2
}`
  expect(undescribed(text)).toEqual(['A.a.b', 'A.c', 'E', 'E.h', 'I', 'I.K'])
})
