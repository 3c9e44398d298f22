import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type Capture, get } from '../api.ts';
import { ImageOff } from '../parts/icons.ts';
import { useBlur } from '../parts/preferences.ts';
import { useWords } from '../words/language.tsx';

/** A signed URL lives five minutes; it is asked anew before that. */
const URL_FRESH_MS = 240_000;

function usePictureUrl(captureId: string | null) {
  return useQuery({
    queryKey: ['picture', captureId],
    queryFn: ({ signal }) => get<{ url: string }>(`/captures/${captureId}/url`, {}, signal),
    enabled: captureId !== null,
    staleTime: URL_FRESH_MS,
    retry: false,
  });
}

/** A picture out of OSS; its frame keeps its place while it loads and where it cannot be had. */
export function Picture({ url, failed = false, alt }: { url: string | null; failed?: boolean; alt: string }) {
  const words = useWords();
  const [blur] = useBlur();
  const [broken, setBroken] = useState<string | null>(null);
  const isBroken = failed || (url !== null && broken === url);
  return (
    <span className={`picture${blur ? ' picture-blurred' : ''}`}>
      {isBroken ? (
        <span className="picture-none" title={words.stream.pictureFailed}>
          <ImageOff size={18} aria-hidden />
          <span className="visually-hidden">{words.stream.pictureFailed}</span>
        </span>
      ) : (
        url && (
          <img
            src={url}
            alt={alt}
            loading="lazy"
            decoding="async"
            referrerPolicy="no-referrer"
            onError={() => setBroken(url)}
          />
        )
      )}
    </span>
  );
}

/** What is known to be gone from OSS is not asked for. */
export function CapturePicture({ capture, alt }: { capture: Pick<Capture, 'id' | 'verdict'>; alt: string }) {
  const gone = capture.verdict === 'object_missing';
  const picture = usePictureUrl(gone ? null : capture.id);
  return <Picture url={picture.data?.url ?? null} failed={gone || picture.isError} alt={alt} />;
}
