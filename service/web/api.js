// Asking the service, and what its refusals mean to a person.

const TAKEN = ["image/jpeg", "image/png", "image/webp"];
const PATIENCE = 5; // times that a busy service is asked again

export class Refusal extends Error {
  constructor(message, status = 0, retryAfter = 0) {
    super(message);
    Object.assign(this, { status, retryAfter });
  }
}

let token = ""; // in this tab's memory only
export const useToken = (given) => { token = given; };

// The result for one photo, with the milliseconds of the whole round trip. Refusal when there is none.
export async function detect(blob, least, waiting) {
  if (!TAKEN.includes(blob.type)) {
    throw new Refusal(`${blob.type || "This file"} cannot be read here: JPEG, PNG and WebP can.`, 415);
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      const began = performance.now();
      const result = await ask(`/v1/detect?threshold=${least}&limit=100`, blob);
      return { result, roundTrip: performance.now() - began };
    } catch (refusal) {
      if (!refusal.retryAfter || attempt === PATIENCE) throw refusal;
      waiting(refusal.retryAfter);
      await new Promise((done) => setTimeout(done, refusal.retryAfter * 1000));
    }
  }
}

// Which parts of a photo its detection number `rank` rests on. Refusal when it cannot be said.
export const explain = (blob, rank) => ask(`/v1/explain?rank=${rank}`, blob);

export async function model() {
  return answer(await fetch("/v1/model"));
}

async function ask(path, blob) {
  const headers = { "Content-Type": blob.type };
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(path, { method: "POST", body: blob, headers });
  } catch {
    throw new Refusal("The server cannot be reached. Is it still running?");
  }
  if (response.ok) return answer(response);
  const problem = await answer(response);
  const busy = response.status === 503 || response.status === 429;
  const again = busy ? Number(response.headers.get("Retry-After")) || 1 : 0;
  throw new Refusal(explained(response.status, problem), response.status, again);
}

// The JSON of a response. What stands before the service, such as a proxy, may answer with a page of its own.
async function answer(response) {
  const type = response.headers.get("Content-Type") || "";
  if (!/^application\/(.+\+)?json\b/.test(type)) {
    throw new Refusal(`The server answered with status ${response.status} and no JSON.`, response.status);
  }
  return response.json();
}

function explained(status, problem) {
  const said = problem.detail || problem.title;
  if (status === 401) return `This server asks for a token. ${said.startsWith("The token") ? said : ""}`.trim();
  if (status === 500) return `${problem.title}. Its log has the details under ${problem.request_id}.`;
  return said;
}
