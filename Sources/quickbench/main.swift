import StormEngine
import StormVocabulary
let clock = ContinuousClock()
func run(_ n: Int, _ m: Int, reps: Int) {
  var model = MountModel(rules: .newest)
  _ = model.perform(.mount(MountCall(target: "/", flags: [.shared])), by: 0)
  for i in 0..<m { _ = model.perform(.mkdir(.path("/d\(i)")), by: 0) }
  for i in 1..<n { _ = model.perform(.unshare(namespace: i, newUser: false), by: 0) }
  let before = model.counters
  let mounts = (0..<m).map { MountCall(type: "tmpfs", source: .path("t\($0)"), target: .path("/d\($0)")) }
  var tm = Duration.zero, tu = Duration.zero
  for _ in 0..<reps {
    tm += clock.measure { for c in mounts { precondition(model.perform(.mount(c), by: 0) == .none) } }
    if reps == 1 || true { }
    tu += clock.measure { for i in 0..<m { precondition(model.perform(.umount2(.path("/d\(i)"), .detach), by: 0) == .none) } }
  }
  let copies = Double(model.counters.copiesPropagated - before.copiesPropagated)
  func ns(_ d: Duration) -> Double { Double(d.components.seconds) * 1e9 + Double(d.components.attoseconds) / 1e9 }
  print("\(n) ns x \(m): mount \(ns(tm)/copies) ns/copy, umount \(ns(tu)/copies) ns/copy, \(Double(model.footprintBytes)/Double(n*m)) bytes/mount")
}
for n in [10, 100, 1000, 10000] { run(n, n == 10000 ? 20 : 100, reps: 3) }
