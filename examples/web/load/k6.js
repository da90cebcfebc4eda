// 30 users save one customer at the same moment, 20 times. A 409 is an answer and no failure.
//
//   k6 run -e TARGET=http://127.0.0.1:8080 -e CUSTOMER=1 -e LOGIN=ana -e PASSWORD=ana-demo load/k6.js
import http from 'k6/http';
import { check, sleep } from 'k6';
import { Counter } from 'k6/metrics';

const rounds = 20;
const { TARGET, CUSTOMER, LOGIN, PASSWORD } = __ENV;
const customer = `${TARGET}/api/customers/${CUSTOMER}`;
const json = { headers: { 'Content-Type': 'application/json' }, tags: { name: 'save' } };
const applied = new Counter('saves_applied');
const refused = new Counter('saves_refused');

http.setResponseCallback(http.expectedStatuses(200, 409));

export const options = {
  scenarios: { race: { executor: 'per-vu-iterations', vus: 30, iterations: 1, maxDuration: '2m' } },
  thresholds: {
    http_req_failed: ['rate==0'],
    checks: ['rate==1'],
    // one winner in each round, at least: who reads between two saves may win too
    saves_applied: [`count>=${rounds}`],
  },
};

export default function () {
  http.post(`${TARGET}/api/session`, JSON.stringify({ login: LOGIN, password: PASSWORD }), json);
  for (let round = 0; round < rounds; round++) {
    const seen = http.get(customer).json('updated_at');
    // k6 has no barrier: all wait for the next whole second but one
    const now = Date.now();
    sleep((Math.ceil(now / 1000) * 1000 + 1000 - now) / 1000);
    const save = { status: `by ${__VU} in ${round}`, notes: `k6 ${__VU} in ${round}, ${now}`, updated_at: seen };
    const { status } = http.put(customer, JSON.stringify(save), json);
    check(status, { 'saved or refused': () => status === 200 || status === 409 });
    if (status === 200) applied.add(1);
    if (status === 409) refused.add(1);
  }
}
