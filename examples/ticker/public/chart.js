// One line, drawn by uPlot: https://github.com/leeoniya/uPlot
const HEIGHT = 280

const clock = (times) => times.map((time) => new Date(time * 1_000).toTimeString().slice(0, 8))
const amounts = (prices) => prices.map((price) => price.toFixed(2))

/** Draws in `element`, as wide as that is. Returns a function that draws other ticks; where one is missing, the line
 *  has a hole. */
function priceChart(element) {
  // uPlot asks for colours at every drawing. A canvas does not know light-dark(), so a property of an element is asked.
  const inked = (name) => {
    const probe = element.appendChild(document.createElement('i'))
    probe.style.color = `var(${name})`
    return () => getComputedStyle(probe).color
  }
  const axis = { stroke: inked('--soft'), grid: { stroke: inked('--line'), width: 1 }, ticks: { show: false } }
  const chart = new uPlot({
    width: element.clientWidth,
    height: HEIGHT,
    // The last label may reach out on the right.
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    series: [{}, { stroke: inked('--accent'), width: 2, points: { show: false } }],
    axes: [
      { ...axis, space: 80, size: 32, values: (_, times) => clock(times) },
      { ...axis, size: 60, values: (_, prices) => amounts(prices) }
    ]
  }, [[], []], element)

  new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT })).observe(element)
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => chart.redraw())

  return (ticks) => {
    const times = []
    const prices = []
    ticks.forEach(({ number, time, price }, at) => {
      const before = ticks[at - 1]
      if (before && number !== before.number + 1) {
        times.push((before.time + time) / 2_000)
        prices.push(null)
      }
      times.push(time / 1_000)
      prices.push(price)
    })
    chart.setData([times, prices])
  }
}
