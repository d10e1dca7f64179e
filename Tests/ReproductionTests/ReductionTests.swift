import StormReproduction
import Testing

@Suite struct ReductionTests {
  @Test(arguments: [[0], [3, 500, 900], [998, 999], [0, 1, 2, 3, 4, 5, 6], []])
  func `what is left is exactly what is needed`(needed: [Int]) {
    var tests = 0
    let result = Reduction<Int>.reduce(Array(0..<1_000)) { elements in
      tests += 1
      return Set(elements).isSuperset(of: needed) ? .holds(elements) : .fails
    }
    #expect(result.elements == needed && result.isMinimal)
    #expect(tests < 200, "\(tests) lists were tried")
  }

  @Test func `where pieces only go together, the result is still 1-minimal`() {
    // The property holds for lists with an even number of elements: no single one can go.
    let result = Reduction<Int>.reduce(Array(0..<64)) { elements in
      elements.count % 2 == 0 && elements.count >= 6 ? .holds(elements) : .fails
    }
    #expect(result.isMinimal && result.elements.count >= 6)
    #expect(result.elements.count % 2 == 0)
  }

  @Test func `a search that is stopped says that its result is not minimal`() {
    var tests = 0
    let result = Reduction<Int>.reduce(Array(0..<100)) { elements in
      tests += 1
      if tests > 3 { return .stop }
      return elements.contains(7) ? .holds(elements) : .fails
    }
    #expect(!result.isMinimal && result.elements.contains(7))
  }
}
