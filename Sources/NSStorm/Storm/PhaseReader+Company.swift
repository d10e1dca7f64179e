import StormVocabulary
import Yams

// What a blast phase can have beside its mounts: trees, company, the bound of the release.

extension NodeReader {
  mutating func readTrees(_ fields: [String: Node], into phase: inout BlastPhase) {
    if let node = fields["depth"] {
      phase.depth = integer(node, "depth", in: 1...min(32, phase.mountsPerNamespace)) ?? 1
    }
    if let node = fields["at"] { phase.aim = choice(node, "at") ?? phase.aim }
    if let node = fields["bound"] { phase.bound = duration(node, "bound") ?? phase.bound }
    if let node = fields["company"] { read(node, into: &phase.company) }
    if phase.depth > 1, phase.aim == .tops, phase.umount == .sync || phase.umount == .mix,
      let node = fields["at"]
    {
      report(
        node,
        "'at: tops' goes with 'umount: detach' where depth is more than 1: a synchronous umount "
          + "of a mount that carries others is always EBUSY")
    }
    if phase.depth > 1, phase.assault == .racing, let node = fields["depth"] {
      report(
        node,
        "'depth' goes with 'assault: divided': whoever loses the race for a tree meets paths "
          + "that are gone")
    }
    if phase.umount == .exit, phase.namespaces < 2, let node = fields["umount"] {
      report(node, "'umount: exit' needs at least two namespaces: namespace 0 lives on")
    }
    if phase.umount == .exit { phase.workers = min(phase.workers, phase.namespaces - 1) }
  }

  private mutating func read(_ node: Node, into company: inout BlastPhase.Company) {
    let keys = ["walkers", "readers", "cloners", "mounters", "containers"]
    guard let fields = fields(node, of: "company", allowed: keys) else { return }
    func count(_ key: String) -> Int {
      fields[key].flatMap { integer($0, "company.\(key)", in: 0...64) } ?? 0
    }
    company.walkers = count("walkers")
    company.readers = count("readers")
    company.cloners = count("cloners")
    company.mounters = count("mounters")
    company.containers = count("containers")
  }
}
