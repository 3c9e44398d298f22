import { z } from 'zod';
import { domainName, type LiveAction, liveAction, ownDomain, ownStreamingDomain, yesOrNo } from '../live-action.ts';
import { VendorRefusal } from '../vendor-refusal.ts';
import type { VendorAuth, VendorDomain, VendorNotify, VendorState } from '../vendor-state.ts';

const ofDomain = z.object({ DomainName: domainName });
const notifyUrl = z
  .string()
  .max(500)
  .regex(/^https?:\/\/\S+$/i);
const snapshotKey = z.string().regex(/^[A-Za-z0-9]{16,32}$/);
const pushKey = z.string().regex(/^[A-Za-z0-9]{16,64}$/);

const setAuth = liveAction(
  'SetSnapshotCallbackAuth',
  30,
  z.object({ DomainName: domainName, CallbackReqAuth: yesOrNo, CallbackAuthKey: z.string().min(1) }),
  (p, { state }) => {
    ownStreamingDomain(state, p.DomainName);
    state.setCallbackAuth(p.DomainName, { enabled: p.CallbackReqAuth === 'yes', key: p.CallbackAuthKey });
    return {};
  },
);

const queryAuth = liveAction('QuerySnapshotCallbackAuth', 30, ofDomain, (p, { state }) => {
  ownStreamingDomain(state, p.DomainName);
  const auth = state.callbackAuth(p.DomainName);
  return {
    DomainName: p.DomainName,
    CallbackReqAuth: auth.enabled ? 'yes' : 'no',
    CallbackAuthKey: auth.key ?? '',
  };
});

const deleteAuth = liveAction('DeleteSnapshotCallbackAuth', 30, ofDomain, (p, { state }) => {
  ownStreamingDomain(state, p.DomainName);
  state.setCallbackAuth(p.DomainName, { enabled: false, key: null });
  return {};
});

const notifyShape = z.object({
  DomainName: domainName,
  NotifyUrl: notifyUrl,
  NotifyReqAuth: yesOrNo.default('no'),
  NotifyAuthKey: snapshotKey.optional(),
});

function authOf(asked: 'yes' | 'no', key: string | undefined): VendorAuth {
  if (asked === 'yes' && key === undefined) {
    throw new VendorRefusal(400, 'MissingParam', 'The parameter NotifyAuthKey is required.');
  }
  return { enabled: asked === 'yes', key: key ?? null };
}

const addNotify = liveAction('AddLiveSnapshotNotifyConfig', 30, notifyShape, (p, { state }) => {
  ownStreamingDomain(state, p.DomainName);
  if (state.snapshotNotify(p.DomainName)) {
    throw new VendorRefusal(409, 'ConfigAlreadyExists', 'The configuration already exists.');
  }
  const auth = authOf(p.NotifyReqAuth, p.NotifyAuthKey);
  state.setSnapshotNotify(p.DomainName, { url: p.NotifyUrl, auth, exceptionUrl: null });
  return {};
});

function standingNotify(state: VendorState, domain: string): VendorNotify {
  ownStreamingDomain(state, domain);
  const notify = state.snapshotNotify(domain);
  if (!notify) throw new VendorRefusal(404, 'InvalidConfig.NotFound', 'The configuration does not exist.');
  return notify;
}

const updateNotify = liveAction(
  'UpdateLiveSnapshotNotifyConfig',
  30,
  notifyShape.extend({ NotifyUrl: notifyUrl.optional(), NotifyReqAuth: yesOrNo.optional() }),
  (p, { state }) => {
    const notify = standingNotify(state, p.DomainName);
    const asked = p.NotifyReqAuth ?? (notify.auth.enabled ? 'yes' : 'no');
    state.setSnapshotNotify(p.DomainName, {
      ...notify,
      url: p.NotifyUrl ?? notify.url,
      auth: authOf(asked, p.NotifyAuthKey ?? notify.auth.key ?? undefined),
    });
    return {};
  },
);

const describeNotify = liveAction('DescribeLiveSnapshotNotifyConfig', 30, ofDomain, (p, { state }) => {
  ownStreamingDomain(state, p.DomainName);
  const notify = state.snapshotNotify(p.DomainName);
  return {
    DomainName: p.DomainName,
    NotifyUrl: notify?.url ?? '',
    NotifyReqAuth: notify?.auth.enabled ? 'yes' : 'no',
    NotifyAuthKey: notify?.auth.key ?? '',
  };
});

const deleteNotify = liveAction('DeleteLiveSnapshotNotifyConfig', 30, ofDomain, (p, { state }) => {
  standingNotify(state, p.DomainName);
  state.setSnapshotNotify(p.DomainName, null);
  return {};
});

/** The ingest domain; a streaming domain without ingest domains stands for itself. */
function refuseUnlessIngest(domain: VendorDomain, name: string): void {
  if (domain.pushDomains.includes(name) || domain.pushDomains.length === 0) return;
  throw new VendorRefusal(400, 'InvalidDomainName.Malformed', 'The domain is not an ingest domain.');
}

const setPushNotify = liveAction(
  'SetLiveStreamsNotifyUrlConfig',
  15,
  z.object({
    DomainName: domainName,
    NotifyUrl: z.union([z.literal(''), notifyUrl]).optional(),
    NotifyReqAuth: yesOrNo.default('no'),
    NotifyAuthKey: z.union([z.literal(''), pushKey]).optional(),
    ExceptionNotifyUrl: z.union([z.literal(''), notifyUrl]).optional(),
  }),
  (p, { state }) => {
    refuseUnlessIngest(ownDomain(state, p.DomainName), p.DomainName);
    const current = state.pushNotify(p.DomainName);
    state.setPushNotify(p.DomainName, {
      url: p.NotifyUrl || null,
      auth: authOf(p.NotifyReqAuth, p.NotifyAuthKey || undefined),
      exceptionUrl: p.ExceptionNotifyUrl === undefined ? current.exceptionUrl : p.ExceptionNotifyUrl || null,
    });
    return {};
  },
);

const describePushNotify = liveAction('DescribeLiveStreamsNotifyUrlConfig', null, ofDomain, (p, { state }) => {
  refuseUnlessIngest(ownDomain(state, p.DomainName), p.DomainName);
  const notify = state.pushNotify(p.DomainName);
  return {
    LiveStreamsNotifyConfig: {
      DomainName: p.DomainName,
      NotifyUrl: notify.url ?? '',
      NotifyReqAuth: notify.auth.enabled ? 'yes' : 'no',
      NotifyAuthKey: notify.auth.key ?? '',
      ExceptionNotifyUrl: notify.exceptionUrl ?? '',
    },
  };
});

export const callbackActions: LiveAction[] = [
  setAuth,
  queryAuth,
  deleteAuth,
  addNotify,
  updateNotify,
  describeNotify,
  deleteNotify,
  setPushNotify,
  describePushNotify,
];
