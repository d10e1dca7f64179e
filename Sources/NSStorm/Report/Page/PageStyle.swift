/// The page's style sheet. Colours have enough contrast on both grounds, and nothing is told by colour alone.
enum PageStyle {
  static let sheet: StaticString = """
    :root{--ground:#fbfbfa;--card:#fff;--ink:#1d1f21;--soft:#62676c;--rule:#dcdedf;--accent:#2c6fb3;\
    --good:#1d7a3e;--warning:#8a5a00;--bad:#b3261e;--goodback:#e6f4ea;--warningback:#fdf1d8;\
    --badback:#fce8e6;--band:#eef0f2}\
    @media(prefers-color-scheme:dark){:root{--ground:#15171a;--card:#1d2024;--ink:#e6e8ea;--soft:#9aa1a8;\
    --rule:#343a40;--accent:#6cb0f5;--good:#6fd08c;--warning:#e8b866;--bad:#ff8f86;--goodback:#173322;\
    --warningback:#3a2d12;--badback:#40201d;--band:#24282d}}\
    *{box-sizing:border-box}\
    body{margin:0;background:var(--ground);color:var(--ink);\
    font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}\
    main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem}\
    footer{max-width:60rem;margin:0 auto;padding:0 1rem 2rem;color:var(--soft);font-size:.85rem}\
    h1{font-size:1.8rem;line-height:1.2;margin:.4rem 0}\
    h2{font-size:1.2rem;margin:2.2rem 0 .7rem}\
    h3{font-size:1rem;margin:0 0 .2rem;overflow-wrap:anywhere}\
    h4{font-size:.95rem;margin:1rem 0 .3rem}\
    p{margin:.4rem 0}\
    code,pre,.tree{font-family:ui-monospace,"Cascadia Mono",Menlo,monospace;font-size:.86em}\
    pre{overflow-x:auto;margin:.3rem 0;white-space:pre}pre.prose{white-space:pre-wrap}\
    .note,.when,.subtitle{color:var(--soft);font-size:.9rem}\
    .verdict{display:inline-block;margin:0;padding:.2rem .7rem;border-radius:1rem;font-weight:600}\
    .badge{display:inline-block;padding:0 .5rem;border-radius:.6rem;font-size:.8rem;white-space:nowrap}\
    .good{color:var(--good);background:var(--goodback)}\
    .warning{color:var(--warning);background:var(--warningback)}\
    .bad{color:var(--bad);background:var(--badback)}\
    .muted{color:var(--soft);background:var(--band)}\
    .command{overflow-x:auto;white-space:nowrap;background:var(--band);border-radius:.3rem;padding:.4rem .6rem}\
    .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.6rem;margin-top:1rem}\
    .tile{background:var(--card);border:1px solid var(--rule);border-radius:.4rem;padding:.6rem .8rem}\
    .label{color:var(--soft);font-size:.8rem}\
    .value{font-size:1.4rem;font-weight:600;line-height:1.3}\
    .finding{background:var(--card);color:var(--ink);border:1px solid var(--rule);border-left-width:4px;\
    border-radius:.4rem;padding:.8rem 1rem;margin:.8rem 0}\
    .finding.bad{border-left-color:var(--bad)}.finding.warning{border-left-color:var(--warning)}\
    .scroll{overflow-x:auto}\
    .differences{margin:.3rem 0;padding-left:1.2rem;font-size:.9rem}\
    .tree{white-space:nowrap}\
    .tree ul{list-style:none;margin:0;padding-left:1.1rem;border-left:1px solid var(--rule)}\
    .tree>ul{padding-left:0;border:0}\
    .tree summary{color:var(--soft);cursor:pointer}\
    .mount{padding:.05rem .3rem;border-radius:.2rem;width:max-content}\
    .mount .place{font-weight:600;margin-right:.7rem}\
    .sign{display:inline-block;width:1rem;font-weight:700}\
    .mount.predicted{background:var(--badback)}.mount.observed{background:var(--goodback)}\
    .mount.predicted .sign,strong.predicted{color:var(--bad)}\
    .mount.observed .sign,strong.observed{color:var(--good)}\
    figure{margin:.6rem 0}\
    figcaption{display:flex;justify-content:space-between;gap:0 1rem;flex-wrap:wrap;font-size:.9rem}\
    svg{display:block;width:100%;height:5rem;background:var(--card);border:1px solid var(--rule);border-radius:.2rem}\
    .histogram svg{height:2.8rem}\
    .area{fill:var(--accent);opacity:.22}\
    .line{fill:none;stroke:var(--accent);stroke-width:1.6;vector-effect:non-scaling-stroke}\
    .bar{fill:var(--accent)}.band{fill:var(--band)}\
    .mark{stroke-width:2;vector-effect:non-scaling-stroke}\
    .mark.bad{stroke:var(--bad)}.mark.warning{stroke:var(--warning);stroke-dasharray:4 3}\
    .key{display:inline-block;width:.9rem;height:.9rem;border-radius:.2rem;vertical-align:-.1rem}\
    .key.bad{background:var(--bad)}.key.warning{background:var(--warning)}\
    .call.done{fill:var(--accent)}.call.refused{fill:var(--soft)}.call.bad{fill:var(--bad)}\
    .axis{display:flex;justify-content:space-between;color:var(--soft);font-size:.8rem}\
    td.meter{width:60%}div.meter{background:var(--band);border-radius:.3rem;height:.8rem;margin:.35rem 0}\
    div.meter>div{background:var(--accent);border-radius:.3rem;height:100%}\
    td.meter details{font-size:.85rem}td.meter ul{margin:.2rem 0;padding-left:1.1rem}\
    .phases{columns:2;font-size:.9rem;padding-left:1.4rem;margin:.6rem 0}\
    table{border-collapse:collapse;width:100%}\
    td{border-top:1px solid var(--rule);padding:.35rem .6rem .35rem 0;vertical-align:top}\
    th{text-align:left;font-weight:600;font-size:.85rem;color:var(--soft);padding:0 .6rem .2rem 0}\
    td code{overflow-wrap:anywhere}\
    td.number{text-align:right;white-space:nowrap}\
    dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem;margin:0;font-size:.9rem}\
    dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\
    @media(max-width:36rem){dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}.phases{columns:1}\
    h1{font-size:1.5rem}}
    """
}
