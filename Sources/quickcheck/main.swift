import Foundation
import StormEngine
import StormVocabulary

func flags(_ a: Any?) -> [String] { a as? [String] ?? [] }
func mountFlags(_ w: [String]) -> MountFlags { var f: MountFlags = []; for x in w { f.insert(MountFlags.words.first { $0.word == x }!.flag) }; return f }
func entry(_ d: [String: Any]) -> MountTable.Entry {
  let dev = (d["dev"] as! String).split(separator: ":").map { UInt32($0)! }
  func n(_ k: String) -> UInt32? { (d[k] as? NSNumber)?.uint32Value }
  return .init(id: (d["id"] as! NSNumber).uint64Value, parent: (d["parent"] as! NSNumber).uint64Value, device: .init(major: dev[0], minor: dev[1]), root: d["root"] as! String, mountpoint: d["mountpoint"] as! String, attributes: .init(options: d["options"] as! String), sharedGroup: n("shared"), masterGroup: n("master"), propagateFromGroup: n("propagate_from"), isUnbindable: d["unbindable"] != nil, fileSystemType: d["fstype"] as! String, source: d["source"] as! String)
}
func table(_ a: Any) -> MountTable { MountTable(entries: (a as! [[String: Any]]).map(entry)) }
func op(_ d: [String: Any]) -> StormVocabulary.Operation {
  func p(_ k: String) -> PathArgument { (d[k] as? String).map { .path($0) } ?? .null }
  let fl = flags(d["flags"])
  let fd = (d["fd"] as? NSNumber)?.intValue ?? -1
  switch d["call"] as! String {
  case "mkdir": return .mkdir(p("path"))
  case "rmdir": return .rmdir(p("path"))
  case "mount": return .mount(MountCall(type: d["type"] as? String, source: p("source"), target: p("target"), flags: mountFlags(fl)))
  case "umount2": var f: UmountFlags = []; for x in fl { f.insert(UmountFlags.words.first { $0.word == x }!.flag) }; return .umount2(p("target"), f)
  case "unshare": return .unshare(namespace: (d["new"] as! NSNumber).intValue, newUser: d["user"] as? Bool ?? false)
  case "exit": return .exit
  case "open": var f: OpenFlags = []; for x in fl { f.insert(OpenFlags.words.first { $0.word == x }!.flag) }; return .open(p("path"), f, fd)
  case "close": return .close(fd)
  case "chdir": return .chdir(p("path"))
  case "pivot_root": return .pivotRoot(newRoot: p("new_root"), putOld: p("put_old"))
  case "open_tree": var f: OpenTreeFlags = []; for x in fl { f.insert(OpenTreeFlags.words.first { $0.word == x }!.flag) }; return .openTree(p("path"), f, fd)
  case "fsmount": return .fsmount(type: d["type"] as! String, source: d["source"] as! String, fd)
  case "move_mount": var f: MoveMountFlags = []; for x in fl { f.insert(MoveMountFlags.words.first { $0.word == x }!.flag) }
    let from: PathArgument = (d["from_fd"] as? NSNumber).map { .descriptor($0.intValue) } ?? p("from")
    return .moveMount(from: from, to: p("to"), f)
  case "mount_setattr":
    func attrs(_ a: Any?) -> MountAttributes { MountAttributes(options: flags(a).joined(separator: ",")) }
    let ch: AttributeChange = d["propagation"] != nil ? .propagation(PropagationType(rawValue: d["propagation"] as! String)!) : d["set"] != nil ? .set(attrs(d["set"])) : .clear(attrs(d["clear"]))
    return .mountSetattr(p("path"), recursive: fl.contains("recursive"), ch)
  default: fatalError("\(d)")
  }
}
func canonical(_ tables: [Int: MountTable], order: Bool) -> [Int: [String]] {
  var groups: [UInt32: Int] = [:]; var devs: [DeviceNumber: Int] = [:]
  func g(_ x: UInt32?) -> String { guard let x else { return "-" }; if groups[x] == nil { groups[x] = groups.count + 1 }; return "\(groups[x]!)" }
  var out: [Int: [String]] = [:]
  for (ns, t) in tables.sorted(by: { $0.key < $1.key }) {
    var idx: [UInt64: Int] = [:]
    for (i, e) in t.entries.enumerated() { idx[e.id] = i }
    out[ns] = t.entries.map { e in
      if devs[e.device] == nil { devs[e.device] = devs.count }
      return "\(e.mountpoint) [\(e.source):\(e.root)] d\(devs[e.device]!) p\(idx[e.parent].map(String.init) ?? "-") \(e.attributes.options) s\(g(e.sharedGroup)) m\(g(e.masterGroup)) f\(g(e.propagateFromGroup)) \(e.isUnbindable ? "U" : "") \(e.fileSystemType)"
    }
  }
  return out
}
var ok = 0, bad = 0, steps = 0
for file in CommandLine.arguments.dropFirst() {
  let text = try! String(contentsOfFile: file, encoding: .utf8)
  let lines = text.split(separator: "\n").map { try! JSONSerialization.jsonObject(with: Data($0.utf8)) as! [String: Any] }
  let h = lines[0]
  let rel = KernelRelease(release: h["kernel"] as! String, build: h["build"] as! String)!
  var rules = KernelRules.actual(release: rel)!
  if let p = ProcessInfo.processInfo.environment["RULE"] { if p == "swapLock" { rules.lockTreeIncludesTop.toggle() } }
  var observed: [Int: MountTable] = [0: table((h["tables"] as! [String: Any])["0"]!)]
  var model = MountModel(rules: rules, initialTable: observed[0]!)
  model.beginExplaining()
  var failed = false
  for l in lines.dropFirst() where l["step"] != nil {
    let o = op(l); let ns = (l["ns"] as! NSNumber).intValue
    let want: Errno = (l["ret"] as? String).map { Errno(name: $0)! } ?? .none
    let got = model.perform(o, by: ns)
    steps += 1
    for (k, v) in (l["tables"] as? [String: Any]) ?? [:] { observed[Int(k)!] = table(v) }
    if case .exit = o { observed[ns] = nil }
    var msg = ""
    if got != want { msg = "errno predicted \(got.name) observed \(want.name)" }
    var predicted: [Int: MountTable] = [:]
    for p in model.livingProcesses { predicted[p] = model.table(seenBy: p) }
    let inv = model.violatedInvariants()
    if !inv.isEmpty { msg += " INV \(inv)" }
    let a = canonical(predicted, order: true), b = canonical(observed, order: true)
    if a != b {
      msg += "\n"
      for k in Set(a.keys).union(b.keys).sorted() where a[k] != b[k] {
        msg += "  ns \(k)\n"
        let x = a[k] ?? [], y = b[k] ?? []
        for i in 0..<max(x.count, y.count) { let u = i < x.count ? x[i] : "", v = i < y.count ? y[i] : ""; if u != v { msg += "   - \(u)\n   + \(v)\n" } else { msg += "     \(u)\n" } }
      }
    }
    if !msg.isEmpty {
      print("\(file.split(separator: "/").last!) step \(l["step"]!) ns \(ns) \(o): \(msg)")
      print("   reasons: \(model.reasonsOfLastCall.map { $0.rule.name })")
      failed = true; break
    }
  }
  if failed { bad += 1 } else { ok += 1 }
}
print("\(ok) agree, \(bad) differ, \(steps) steps")
