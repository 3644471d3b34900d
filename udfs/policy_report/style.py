"""The page's style sheet: A4, dark on white, nothing from elsewhere; nothing is told by colour alone."""

from udfs.brief.style import FONTS

CSS = f"""
@page {{ size: A4; margin: 14mm 14mm 15mm;
  @bottom-right {{ content: counter(page) " / " counter(pages); font-size: 8pt; color: #555 }} }}
:root {{ --ink: #16202b; --soft: #55606c; --line: #d5dbe1; --pale: #f4f6f8; --blue: #16324f }}
* {{ box-sizing: border-box }}
body {{ margin: 0 auto; max-width: 190mm; padding: 9mm 4mm 14mm; background: #fff; color: var(--ink);
  font: 10pt/1.5 {FONTS}; overflow-wrap: anywhere }}
header {{ border-bottom: 3px solid var(--blue); padding-bottom: 2.5mm }}
header p {{ margin: 0; font-size: 9pt; color: var(--soft) }}
h1 {{ font-size: 19pt; line-height: 1.3; margin: .5mm 0 1mm; color: var(--blue) }}
h2 {{ font-size: 14pt; line-height: 1.3; margin: 10mm 0 2.5mm; padding-bottom: 1mm; 
  border-bottom: 1.5px solid var(--blue); color: var(--blue); break-after: avoid }}
h2.page {{ margin-top: 0 }}
h3 {{ font-size: 11pt; margin: 4mm 0 1mm; break-after: avoid }}
p {{ margin: 1.2mm 0 }}
.lead {{ font-size: 14pt; line-height: 1.45; font-weight: bold; margin: 3mm 0 }}
.note {{ font-size: 8.5pt; line-height: 1.45; color: var(--soft) }}
.box {{ border: 2px solid var(--ink); padding: 2.5mm 4mm; margin: 3mm 0; break-inside: avoid }}
.box b {{ font-size: 12pt; letter-spacing: .1em }}
.box p {{ margin: .6mm 0 0 }}
dl {{ margin: 2.5mm 0; border-top: 1px solid var(--line) }}
dl div {{ display: grid; grid-template-columns: 33mm 1fr; gap: 0 4mm; padding: 1.6mm 0;
  border-bottom: 1px solid var(--line);
  break-inside: avoid }}
dt {{ color: var(--soft); font-size: 9.5pt; padding-top: .4mm }}
dd {{ margin: 0 }}
dd b {{ font-size: 11.5pt; line-height: 1.45; font-variant-numeric: tabular-nums }}
dd span {{ display: block; font-size: 9pt; line-height: 1.45; color: var(--soft) }}
ul {{ margin: 1.5mm 0; padding-left: 5mm }}
li {{ margin: .6mm 0 }}
figure, .table {{ margin: 5mm 0 }}
figure {{ break-inside: avoid }}
figcaption, caption {{ text-align: left; font-weight: bold; font-size: 10pt; margin: 0 0 1.5mm; padding: 0 0 1mm }}
figcaption i, caption i {{ font-style: normal; color: var(--blue); margin-right: 1.2ex }}
figure svg {{ display: block; margin: 1mm 0 }}
table {{ border-collapse: collapse; width: 100%; table-layout: fixed; font-size: 8.5pt; line-height: 1.35 }}
th, td {{ text-align: left; vertical-align: top; padding: .9mm 1.1mm; border-bottom: 1px solid var(--line) }}
thead {{ display: table-header-group }}
th {{ border-top: 1.5px solid var(--blue); border-bottom: 1px solid var(--blue); vertical-align: bottom;
  line-height: 1.25 }}
tbody tr:nth-child(even) {{ background: var(--pale) }}
tr {{ break-inside: avoid }}
/* no table begins with its head alone at the foot of a page */
caption, thead, tr.names {{ break-after: avoid }}
tbody tr:nth-child(-n+2) {{ break-before: avoid }}
td.n, th.n {{ text-align: right; font-variant-numeric: tabular-nums }}
td .below {{ display: block; font-size: 8pt; color: var(--soft) }}
td.pale {{ color: var(--soft) }}
td code {{ font: 7.5pt/1.4 monospace }}
.form {{ border: 1px solid var(--ink); padding: 3mm 4mm; margin: 4mm 0; break-inside: avoid }}
.form h3 {{ margin: 0 0 .5mm }}
.form .blank {{ margin: 1.5mm 0 0; font-size: 9.5pt }}
.form .rule {{ border-bottom: 1px solid #8a939c; height: 7.5mm }}
.form .sign {{ display: flex; gap: 10mm; margin: 5mm 0 1mm; font-size: 9.5pt }}
.form .sign span {{ flex: 1; border-bottom: 1px solid var(--ink); padding: 3mm 0 .5mm }}
svg text {{ font-family: inherit; font-size: 11px }}
svg .strong {{ font-weight: bold }}
@media print {{
  body {{ padding: 0; max-width: none }}
  h2.page {{ break-before: page }}
  * {{ -webkit-print-color-adjust: exact; print-color-adjust: exact }}
}}
"""
